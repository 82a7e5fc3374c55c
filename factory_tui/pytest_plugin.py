"""Pytest fixtures that serve digital twins: ``okta_twin``, ``slack_twin``, ``jira_twin``.

::

    def test_invites(slack_twin):
        client = WebClient(slack_twin.env["SLACK_TOKEN"], base_url=slack_twin.env["SLACK_URL"])
        client.conversations_create(name="incident-7")
        assert "incident-7" in [c["name"] for c in slack_twin.view()["channels"]]

    @pytest.mark.twins(seed="acme-300", vary=["pages"], limits=True)
    def test_large(okta_twin): ...

The twins of one test share a universe of its own, so each test starts afresh and tests may run
in parallel. They are real HTTP servers in a thread of the test process; any client, also in
another process, can use them. When a test fails, the traffic is in its report.

Settings (``pytest.ini``, ``pyproject.toml``): ``twins_folder`` (default: ``twins/`` beside the
settings if it is there, else the packs that ship), ``twins_seed``, ``twins_clock`` (a time, or
``now``: the twins follow the real one, for suites that compare with ``time.time()``).
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

if TYPE_CHECKING:
    from factory_tui.universe import Exchange, Universe
    from factory_tui.universe.standalone import ServedTwin, Serving

__all__ = ["TwinHandle", "jira_twin", "okta_twin", "slack_twin"]

PACKS = ("okta", "slack", "jira")
_TIMEOUT_S = 60
_REPORTED = 40
_SHARED = pytest.StashKey["_Shared"]()
_SERVED = pytest.StashKey["_Served"]()
T = TypeVar("T")


class TwinHandle:
    """One twin, served for one test.

    Attributes:
        name: ``okta``, ``slack`` or ``jira``.
        url: Without a path.
        env: The variables that lead a program to it, credentials included.
    """

    def __init__(self, served: _Served, twin: ServedTwin) -> None:
        self._served = served
        self.name = twin.name
        self.url = twin.url
        self.env: Mapping[str, str] = twin.env

    @property
    def universe(self) -> Universe:
        """The universe of this test, shared with the test's other twins.

        It is served by another thread: while requests are under way, use :meth:`call`.
        """
        return self._served.serving.universe

    def call(self, function: Callable[[Universe], T]) -> T:
        """Run ``function(universe)`` between two requests and give what it returns."""

        async def work() -> T:
            return function(self.universe)

        result: T = self._served.shared.run(work())
        return result

    def reset(self) -> None:
        """Go back to how the test found the universe: all its twins, faults and traffic."""

        async def work() -> None:
            self._served.serving.main.reset()

        self._served.shared.run(work())

    def advance(self, seconds: float) -> None:
        """Move the virtual clock; what comes due on the way is delivered."""
        self._served.shared.run(self._served.serving.main.courier.advance(seconds))

    def flush(self) -> None:
        """Wait until every event that is due has been delivered."""
        self._served.shared.run(self._served.serving.main.courier.flush())

    def fault(self, **fault: Any) -> None:
        """Add a fault of this twin: ``fault(match="createIssue", nth=2, reply=503)``."""
        self.call(lambda universe: universe.faults.add({"twin": self.name, **fault}))

    def apply(self, op: str, args: Any) -> Any:
        """Change the state as a scenario's set-up does: ``apply("add_users", [{…}])``."""
        return self.call(lambda universe: universe.apply(self.name, op, args))

    def view(self) -> dict[str, list[dict[str, Any]]]:
        """The state in words of the vendor."""
        return self.call(lambda universe: universe.view(self.name))

    @property
    def traffic(self) -> list[Exchange]:
        """What the twin was asked and what it sent, in order."""
        return [one for one in list(self.universe.tap) if one.twin == self.name]


class _Shared:
    """The packs and the thread that serves, for a whole session."""

    def __init__(self, config: pytest.Config) -> None:
        from factory_tui import sample
        from factory_tui.universe import load_packs

        given = str(config.getini("twins_folder"))
        own = config.rootpath / (given or "twins")
        folder = own if given or (own / "okta").is_dir() else sample.root() / "twins"
        self.packs = load_packs(Path(folder), PACKS)
        self.seed = str(config.getini("twins_seed"))
        self.clock = str(config.getini("twins_clock"))
        self._loop = _new_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="twins", daemon=True)
        self._thread.start()

    def run(self, work: Any) -> Any:
        """Run a coroutine in the serving thread and give its result."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_TIMEOUT_S)

    def close(self) -> None:
        """Stop the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_TIMEOUT_S)
        self._loop.close()


class _Served:
    """The universe of one test."""

    def __init__(self, shared: _Shared, settings: Mapping[str, Any]) -> None:
        from factory_tui.universe import Universe
        from factory_tui.universe.standalone import Serving

        self.shared = shared
        seed = settings.get("seed", shared.seed)
        seeds = seed if isinstance(seed, Mapping) else dict.fromkeys(shared.packs, seed)
        universe = Universe(
            shared.packs,
            dict.fromkeys(shared.packs, shared.seed) | dict(seeds),
            settings.get("random_seed", 0),
            settings.get("clock", shared.clock),
            frozenset(settings.get("vary", ())),
            bool(settings.get("strict", False)),
            limits=bool(settings.get("limits", False)),
        )
        self.serving: Serving = Serving(universe)
        self._handles: dict[str, TwinHandle] = {}

    def handle(self, name: str) -> TwinHandle:
        """The twin of that name, served from now on."""
        if name not in self._handles:
            self.shared.run(self.serving.add(name, "127.0.0.1", 0))
            self._handles[name] = TwinHandle(self, self.serving.twins[-1])
        return self._handles[name]

    def close(self) -> None:
        """Stop serving."""
        self.shared.run(self.serving.close())


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


# -- what pytest calls -----------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    """The settings."""
    parser.addini("twins_folder", "folder of the twin packs", default="")
    parser.addini("twins_seed", "named data set of every twin", default="acme-12")
    parser.addini("twins_clock", "virtual time at which a test starts, or now", "string", _CLOCK)


_CLOCK = "2026-03-02T09:00:00Z"


def pytest_configure(config: pytest.Config) -> None:
    """The marker."""
    config.addinivalue_line(
        "markers",
        "twins(seed, random_seed, clock, vary, limits, strict): the universe of this test's twins",
    )


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the serving thread, if any test needed one."""
    shared = config.stash.get(_SHARED, None)
    if shared is not None:
        shared.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Iterator[None]:
    """Put the traffic into the report of a test that failed."""
    report: Any = yield
    served = item.stash.get(_SERVED, None)
    if served is not None and report.failed:
        from factory_tui.universe.__main__ import line

        rows = [line(exchange) for exchange in served.serving.universe.tap[-_REPORTED:]]
        if rows:
            report.sections.append(("Traffic of the twins", "\n".join(rows)))
    return report  # type: ignore[no-any-return]


@pytest.fixture
def _twins(request: pytest.FixtureRequest) -> Iterator[_Served]:
    """The universe of a test."""
    config = request.config
    if _SHARED not in config.stash:
        config.stash[_SHARED] = _Shared(config)
    marker = request.node.get_closest_marker("twins")
    served = _Served(config.stash[_SHARED], marker.kwargs if marker else {})
    request.node.stash[_SERVED] = served
    yield served
    served.close()
    failures = served.serving.universe.failures
    if failures:
        pytest.fail("the twins failed: " + "; ".join(failures), pytrace=False)


@pytest.fixture
def okta_twin(_twins: _Served) -> TwinHandle:
    """An Okta organisation of this test's own."""
    return _twins.handle("okta")


@pytest.fixture
def slack_twin(_twins: _Served) -> TwinHandle:
    """A Slack workspace of this test's own."""
    return _twins.handle("slack")


@pytest.fixture
def jira_twin(_twins: _Served) -> TwinHandle:
    """A Jira site of this test's own."""
    return _twins.handle("jira")
