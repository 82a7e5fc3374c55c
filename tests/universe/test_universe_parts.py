"""The smaller parts: clock, ids, routes, people, requests, loading packs."""

import shutil
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from factory_tui.universe import (
    ORGS,
    BadBodyError,
    Call,
    Clock,
    Ids,
    Pack,
    PackError,
    Request,
    Response,
    Routes,
    iso,
    load_packs,
    org,
    parse_time,
    route,
)


def test_the_clock_moves_only_when_told() -> None:
    clock = Clock("2026-03-02T09:00:00+01:00")
    assert clock.iso() == "2026-03-02T08:00:00.000Z"
    assert clock.http_date() == "Mon, 02 Mar 2026 08:00:00 GMT"
    clock.advance(90.5)
    assert clock.now() == datetime(2026, 3, 2, 8, 1, 30, 500000, tzinfo=UTC)
    assert iso(parse_time("2026-01-01")) == "2026-01-01T00:00:00.000Z"
    with pytest.raises(ValueError, match="forward"):
        clock.advance(-1)
    with pytest.raises(ValueError, match="calendar"):
        clock.advance(1e15)


def test_minting_one_kind_does_not_disturb_another() -> None:
    one, other = Ids("s"), Ids("s")
    one.mint("log", 10)
    assert one.mint("user", 17, prefix="00u") == other.mint("user", 17, prefix="00u")
    assert one.mint("user", 17) != other.mint("team", 17)
    assert len({one.mint("user", 12) for _ in range(2000)}) == 2000
    assert [one.count("n", 5), one.count("n", 5)] == [5, 6]
    spread = Counter(int(one.chance("c") * 4) for _ in range(2000))
    assert min(spread.values()) > 400
    saved = one.state()
    drawn = one.below("x", 10**9)
    one.reset(saved)
    assert one.below("x", 10**9) == drawn


def test_fixed_parts_of_a_path_win_and_fall_back() -> None:
    routes: Routes[str] = Routes()
    routes.add("GET", "/groups/{id}", "getGroup", "get")
    routes.add("GET", "/groups/rules", "listRules", "rules")
    routes.add("DELETE", "/groups/{id}", "deleteGroup")
    routes.add("GET", "/groups/{id}/users/{user}", "getMember", "member")

    def at(method: str, path: str) -> tuple[str, dict[str, str], str | None] | None:
        found = routes.match(method, Request(method, path).segments)
        return None if found is None else (found.operation, found.params, found.handler)

    assert at("GET", "/groups/rules") == ("listRules", {}, "rules")
    assert at("GET", "/groups/g%201") == ("getGroup", {"id": "g 1"}, "get")
    assert at("GET", "/groups/g1/") == ("getGroup", {"id": "g1"}, "get")
    assert at("DELETE", "/groups/rules") == ("deleteGroup", {"id": "rules"}, None)
    assert at("GET", "/groups/rules/users/u") == (
        "getMember",
        {"id": "rules", "user": "u"},
        "member",
    )
    assert at("GET", "/groups//users/u") is None
    assert at("GET", "/teams") is None
    wrong = routes.match("PUT", ["groups", "x"])
    assert wrong is not None
    assert wrong.allowed == ("DELETE", "GET")
    routes.add("GET", "/groups/rules", "described again")
    assert at("GET", "/groups/rules") == ("listRules", {}, "rules")
    assert routes.operations["deleteGroup"] == ("DELETE", "/groups/{id}", False)


@pytest.mark.parametrize("name", list(ORGS))
def test_organisations_have_the_sizes_they_promise(name: str) -> None:
    plain, other = org(name), org(name, salt=7)
    for organisation in (plain, other):
        sizes = {group: len(members) for group, members in organisation.groups.items()}
        assert sizes == ORGS[name]
        emails = [person.email for person in organisation.people]
        assert len(set(emails)) == len(emails)
        teams = [
            m for g, members in organisation.groups.items() if g != "everyone" for m in members
        ]
        assert len(set(teams)) == len(teams)
        assert set(teams) <= set(emails)
    if name != "empty":
        assert [p.email for p in plain.people] != [p.email for p in other.people]
        assert org(name) == plain
        first = plain.groups["design"][0]
        assert plain.member("design", 1).email == first
        assert plain.rotated(3).people[0] == plain.people[3 % len(plain.people)]


def test_parts_of_a_pack_that_hide_each_other_are_refused() -> None:
    class One:
        @route("GET", "/one", "one")
        def answer(self, call: Call) -> Response:
            return Response()

    class Two:
        @route("GET", "/two", "two")
        def answer(self, call: Call) -> Response:
            return Response()

    both = type("Both", (One, Two, Pack), {"name": "both"})
    with pytest.raises(TypeError, match=r"Two\.answer is shadowed"):
        both()


def test_requests_read_what_clients_send() -> None:
    request = Request.build("post", "/a/b%2Fc?x=1&x=2&y=%20z", {"X-A": "1"}, {"k": "ü"})
    assert (request.method, request.path) == ("POST", "/a/b%2Fc")
    assert request.segments == ["a", "b/c"]
    assert request.query == {"x": "2", "y": " z"}
    assert request.query_pairs[0] == ("x", "1")
    assert request.target == "/a/b%2Fc?x=1&x=2&y=%20z"
    assert request.json() == {"k": "ü"}
    assert request.media_type == "application/json"
    assert Request.build("GET", "/").json() is None
    assert Request.build("POST", "/", {}, b"a=1&b=%C3%BC").form() == {"a": "1", "b": "ü"}
    for body in (b"{", b"\xff\xfe"):
        with pytest.raises(BadBodyError):
            Request.build("POST", "/", {}, body).json()
    with pytest.raises(BadBodyError):
        Request.build("POST", "/", {}, b"\xff").form()
    assert Response.json({"a": 1}, 201).data() == {"a": 1}


def test_packs_are_loaded_from_a_folder(packs_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(packs_folder / "notes", tmp_path / "notes")
    packs = load_packs(tmp_path, ["notes"])
    assert packs["notes"].name == "notes"
    assert load_packs(tmp_path, ["notes"])["notes"] is packs["notes"]
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "__init__.py").write_text("1 / 0")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "__init__.py").write_text("PACK = 3")
    for name, sentence in (
        ("absent", 'there is no twin pack "absent"'),
        ("../notes", "there is no twin pack"),
        ("broken", "does not load: division by zero"),
        ("other", "has no PACK"),
    ):
        with pytest.raises(PackError, match=sentence):
            load_packs(tmp_path, [name])
