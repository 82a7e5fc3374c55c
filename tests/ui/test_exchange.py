"""One exchange with a twin: decoded, on the wire, as curl."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from factory_tui.store import ExchangeRow, Traffic
from factory_tui.ui.app import FactoryApp
from factory_tui.ui.screens.exchange import ExchangeScreen
from factory_tui.ui.screens.scenario import ScenarioScreen
from factory_tui.ui.widgets import wire
from tests.ui.conftest import Factory, caught_up
from tests.ui.looking import text_of
from tests.ui.seed_trials import plant

WIDE, NARROW = (160, 48), (80, 24)
SIZES = [NARROW, pytest.param(WIDE, marks=pytest.mark.slow)]


@pytest.fixture
def told(factory: Factory) -> Factory:
    plant(factory.folder, factory.clock)
    return factory


def seq_of(factory: Factory, **wanted: object) -> int:
    with Traffic.open(factory.folder / "runs" / "7f3a" / "traffic.db") as traffic:
        for row in traffic.page(offset=0, limit=10_000):
            if all(getattr(row, key) == value for key, value in wanted.items()):
                return row.seq
    raise AssertionError(f"no exchange with {wanted}")


async def opened(pilot: Pilot[Any], seq: int) -> ExchangeScreen:
    await caught_up(pilot)
    app = pilot.app
    assert isinstance(app, FactoryApp)
    app.open_exchange("7f3a", seq)
    await caught_up(pilot, lambda: isinstance(app.screen, ExchangeScreen))
    assert isinstance(app.screen, ExchangeScreen)
    return app.screen


# -- lines -------------------------------------------------------------------------------------


def row(**more: Any) -> ExchangeRow:
    given: dict[str, Any] = {
        "twin": "slack",
        "method": "POST",
        "path": "/api/chat.postMessage",
        "status": 200,
        "request_headers": {"host": "127.0.0.1:7002", "authorization": "Bearer xoxb-1…"},
        **more,
    }
    return ExchangeRow(**given)


def test_json_is_indented_and_a_form_is_its_fields() -> None:
    assert wire.plain(wire.body_lines('{"a":[1,"ü"]}')) == '{\n  "a": [\n    1,\n    "ü"\n  ]\n}'
    form = "channel=C1&blocks=%5B%7B%22type%22%3A%22x%22%7D%5D&text=hi+there"
    shown = wire.plain(wire.body_lines(form, "application/x-www-form-urlencoded"))
    assert "channel = C1" in shown and '"type": "x"' in shown and "text = hi there" in shown
    assert wire.plain(wire.body_lines("")) == "(no body)"
    assert wire.plain(wire.body_lines("{half")) == "{half"


def test_the_query_is_decoded_and_the_wire_is_not() -> None:
    found = row(method="GET", path="/api/x?types=public%2Cprivate&cursor=")
    assert "types = public,private" in wire.plain(wire.request_lines(found))
    raw = wire.plain(wire.request_lines(found, wire=True))
    assert raw.startswith("GET /api/x?types=public%2Cprivate&cursor= HTTP/1.1\nhost:")


def test_no_answer_says_why() -> None:
    assert "drop before" in wire.plain(wire.response_lines(row(status=0, fault="drop before")))


def test_curl_sends_the_same_request_and_never_a_token() -> None:
    body = 'text=it\'s+"me"&n=1'
    command = wire.curl(row(request_body=body, path="/api/a?b=c d"))
    words = shlex.split(command)
    assert words[:4] == ["curl", "-i", "-X", "POST"]
    assert words[4] == "http://127.0.0.1:7002/api/a?b=c d"
    assert words[words.index("--data-raw") + 1] == body
    assert "Authorization: Bearer $SLACK_TOKEN".lower() in command.lower()
    assert "xoxb" not in command and "host:" not in command
    basic = wire.curl(row(twin="jira", request_headers={"Authorization": "Basic abc…"}))
    assert "$JIRA_EMAIL:$JIRA_TOKEN" in basic and "abc" not in basic
    hostile = wire.curl(row(path="/$(rm -rf /)`x`", request_headers={"x": "'; rm"}))
    assert shlex.split(hostile)[4] == "http://127.0.0.1/$(rm -rf /)`x`"
    assert "'http://127.0.0.1/$(rm -rf /)`x`'" in hostile


# -- the screen --------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
async def test_request_response_and_fault_are_shown(told: Factory, size: tuple[int, int]) -> None:
    seq = seq_of(told, scenario="rate-limited", status=429)
    app = told.app()
    async with app.run_test(size=size) as pilot:
        await opened(pilot, seq)
        shown = text_of(app)
    assert "429 Too Many Requests" in shown and "ratelimited" in shown and "retry-after: 7" in shown
    assert "channel = C01ENG" in shown and "fault injected: reply 429" in shown
    assert "rate-limited step 1" in shown and "RECORDED" in shown


@pytest.mark.slow
async def test_a_gap_and_a_holdout_are_named(told: Factory) -> None:
    with Traffic.open(told.folder / "runs" / "7f3a" / "traffic.db") as traffic:
        traffic.add([row(run_id="7f3a", status=501, gap="users.profile.get", scenario="okta-down",
                         trial="other", step=2, n=1)])  # fmt: skip
    app = told.app()
    async with app.run_test(size=NARROW) as pilot:
        await opened(pilot, seq_of(told, gap="users.profile.get"))
        assert "gap: the twin does not know users.profile.get" in text_of(app)
        assert "HOLDOUT" in text_of(app)


async def test_keys_walk_the_trial_and_find_failures(told: Factory) -> None:
    first = seq_of(told, scenario="rate-limited", status=429)
    app = told.app()
    async with app.run_test(size=WIDE) as pilot:
        screen = await opened(pilot, first)
        await pilot.press("left_square_bracket")
        await pilot.pause()
        assert screen.seq == first - 1
        await pilot.press("n")
        await pilot.pause()
        assert screen.seq == first
        await pilot.press("n", "right_square_bracket")
        await pilot.pause()
        assert screen.seq == first, "the trial ends here"
        await pilot.press("N")
        await pilot.pause()
        assert screen.seq == first


async def test_wire_shows_what_was_sent_and_y_copies_curl(told: Factory) -> None:
    app = told.app()
    copied: list[str] = []
    async with app.run_test(size=WIDE) as pilot:
        app.copy_to_clipboard = copied.append  # type: ignore[method-assign]
        await opened(pilot, seq_of(told, scenario="rate-limited", status=429))
        assert "users = U04" in text_of(app)
        await pilot.press("w")
        await pilot.pause()
        assert "channel=C01ENG&users=U04" in text_of(app) and "HTTP/1.1" in text_of(app)
        await pilot.press("y", "Y", "w")
        await pilot.pause()
        assert "users = U04" in text_of(app)
    assert copied[0].startswith("curl -i -X POST http://127.0.0.1:7002/api/conversations.invite")
    assert copied[1] == '{"ok": false, "error": "ratelimited"}'


@pytest.mark.slow
async def test_s_goes_to_the_scenario_and_back_to_the_same_one(told: Factory) -> None:
    app = told.app()
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, seq_of(told, scenario="rate-limited", status=429))
        await pilot.press("s")
        await caught_up(pilot, lambda: isinstance(app.screen, ScenarioScreen))
        depth = len(app.screen_stack)
        await opened(pilot, seq_of(told, scenario="rate-limited", status=429))
        await pilot.press("s")
        await caught_up(pilot, lambda: isinstance(app.screen, ScenarioScreen))
        assert len(app.screen_stack) == depth


async def test_an_exchange_that_is_gone_is_said(told: Factory) -> None:
    app = told.app()
    async with app.run_test(size=NARROW) as pilot:
        await opened(pilot, 999_999)
        assert "There is no exchange 999999" in text_of(app)
        await pilot.press("y", "w", "n", "right_square_bracket", "escape")
        await caught_up(pilot, lambda: not isinstance(app.screen, ExchangeScreen))


@pytest.mark.slow
async def test_enter_shows_one_side_in_full_and_esc_both(told: Factory) -> None:
    app = told.app()
    async with app.run_test(size=NARROW) as pilot:
        screen = await opened(pilot, seq_of(told, scenario="rate-limited", status=429))
        request = screen.query_one("#request")
        await pilot.press("enter")
        await caught_up(pilot, lambda: not request.display)
        await pilot.press("escape")
        await caught_up(pilot, lambda: bool(request.display))
        assert app.screen is screen


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["80x24", "160x48"])
def test_exchange_look(
    told: Factory, snap_compare: Callable[..., bool], size: tuple[int, int]
) -> None:
    seq = seq_of(told, scenario="rate-limited", status=429)

    async def prepare(pilot: Pilot[Any]) -> None:
        await opened(pilot, seq)

    assert snap_compare(told.app(), terminal_size=size, run_before=prepare)
