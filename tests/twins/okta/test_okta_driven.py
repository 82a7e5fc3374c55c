"""Every operation of the twin that the official client has, called by it.

The client maps answers to models by their exact status and by discriminators, and its models refuse
wrong types and missing fields; see ``driver.py``.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from factory_tui.universe import Universe, load_packs

from ..conftest import TWINS
from .description import DESCRIPTION, described
from .driver import Driver
from .needs import BOUGHT
from .sdk import Operation, bare, operations


def implemented() -> dict[str, list[tuple[str, str]]]:
    """Verbs and bare paths of what is implemented, by area."""
    areas: dict[str, list[tuple[str, str]]] = {}
    routes = load_packs(TWINS, ["okta"])["okta"].routes.operations
    for verb, template, done in routes.values():
        path = bare(template)
        parts = path.removeprefix("/api/v1").strip("/").split("/")
        if done:
            areas.setdefault(parts[0], []).append((verb, path))
    return areas


AREAS = implemented()


@pytest.mark.parametrize("area", sorted(AREAS))
async def test_the_client_drives(
    area: str,
    okta: Any,
    served: Callable[[Universe, str], Awaitable[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OKTA_TESTING_TESTINGDISABLEHTTPSCHECK", "true")
    from okta.client import Client

    env = okta.universe.env("okta", await served(okta.universe, "okta"))
    client = Client({"orgUrl": env["OKTA_URL"], "token": env["OKTA_TOKEN"]})
    known = operations()
    wrong = []
    okta.universe.apply("okta", "buy_features", list(BOUGHT))
    fresh = okta.universe.snapshot()
    for key in AREAS[area]:
        one = known.get(key)
        if one is None:
            continue
        okta.universe.restore(fresh)
        problem = await _driven(one, Driver(okta, client))
        if problem:
            wrong.append(f"{one.verb} {one.path} {problem}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.skipif(not DESCRIPTION.is_file(), reason="the description is not here")
def test_what_the_client_lacks_is_as_described(okta: Any) -> None:
    known = operations()
    okta.universe.apply("okta", "buy_features", list(BOUGHT))
    fresh = okta.universe.snapshot()
    wrong, tried = [], 0
    for verb, path in (key for keys in AREAS.values() for key in keys):
        if (verb, path) in known or not described(verb, path):
            continue
        okta.universe.restore(fresh)
        tried += 1
        problem = Driver(okta, None).drive_unknown(verb, path)
        if problem:
            wrong.append(f"{verb} {path} {problem}")
    assert tried > 10
    assert not wrong, "\n".join(wrong)


async def _driven(one: Operation, driver: Driver) -> str:
    try:
        return await asyncio.wait_for(driver.drive(one), 60)
    except Exception as problem:
        return f"{one.name}: {type(problem).__name__} {str(problem)[:600]}"
