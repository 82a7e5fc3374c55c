"""Whatever is sent in the words of the description is answered, and never with a crash."""

import json
import random
from typing import Any
from urllib.parse import quote

import pytest

from factory_tui.universe import Request, Universe, load_packs
from tests.twins.conftest import TWINS
from tests.twins.jira.described import Description

CALLS = 2500
_WORDS = (
    *("IT", "IT-1", "10000", "1", "", "x", "2026-03-01T00:00:00Z", "2026-03-01", "project = IT"),
    *("\x00", "a" * 300, "scrum", "active", "closed", "user", "group", "project", "global"),
    *("10002", "jira-software-users", "customfield_10020", "ENABLED", "changeOwner"),
    *(1, 0, -1, 3.5, True, False, None, 10**20),
)
_AGILE = (
    *("issues", "rankBeforeIssue", "rankAfterIssue", "state", "name", "startDate", "endDate"),
    *("goal", "originBoardId", "filterId", "type", "location", "value", "feature", "enabling"),
    *("color", "done", "issueKeys", "flag", "url", "events", "filters", "sprintToSwapWith"),
)


def _value(draw: random.Random, names: list[str], depth: int = 0) -> Any:
    kind = draw.random()
    if depth > 3 or kind < 0.5:
        return draw.choice(_WORDS)
    if kind < 0.7:
        return [_value(draw, names, depth + 1) for _ in range(draw.randrange(3))]
    return {draw.choice(names): _value(draw, names, depth + 1) for _ in range(draw.randrange(4))}


def _request(
    draw: random.Random, method: str, path: str, names: list[str], asked: list[str], token: str
) -> Request:
    parts = [
        quote(str(draw.choice(_WORDS)), safe="") or "1" if part.startswith("{") else part
        for part in path.strip("/").split("/")
    ]
    root = "/" if parts[0] in ("rest", "secure") else f"/rest/api/{draw.choice('23')}/"
    known = asked or ["startAt", "maxResults", "jql", "fields", "expand", "accountId"]
    chosen = draw.sample(known, min(len(known), draw.randrange(3)))
    query = "&".join(f"{name}={quote(str(draw.choice(_WORDS)))}" for name in chosen)
    keys = draw.sample(names, min(len(names), draw.randrange(6)))
    body: Any = {name: _value(draw, names) for name in keys}
    if draw.random() < 0.1:
        body = _value(draw, names)
    kinds = ["application/json"] * 9 + ["image/png", "multipart/form-data; boundary=x"]
    head = {"authorization": f"Bearer {token}", "host": "jira", "x-atlassian-token": "no-check"}
    head["content-type"] = draw.choice(kinds)
    data = b"" if method == "GET" else json.dumps(body).encode()
    return Request(method, root + "/".join(parts), query, head, data)


@pytest.mark.parametrize("seed", range(4))
def test_the_described_words_in_any_order(request: pytest.FixtureRequest, seed: int) -> None:
    description = Description.find(request.config.rootpath)
    if description is None:
        pytest.skip("Jira's API description is not at hand")
    draw = random.Random(seed)
    base = Universe(load_packs(TWINS, ["jira"]), {"jira": "acme-12"}, debug=True)
    token = base.env("jira", "")["JIRA_TOKEN"]
    pack: Any = base.packs["jira"]
    operations = [row for row in sorted(pack.routes.operations.items()) if row[1][2]]
    words = {name: description.words(name) for name, _ in operations}
    universe = base
    for n in range(CALLS // 4):
        if n % 25 == 0:
            universe = base.fork()
        name, (method, path, _) = draw.choice(operations)
        names, asked = words[name]
        sent = _request(draw, method, path, names or list(_AGILE), asked, token)
        answer = universe.handle("jira", sent)
        assert universe.crashes == [], (name, sent.body, universe.crashes[0])
        assert answer.status < 500, (name, sent.body, answer.body)
        if n % 40 == 0:
            universe.clock.advance(3)
            universe.view("jira")
