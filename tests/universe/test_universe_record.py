"""What recordings keep and what they lose, and how they are compared when replayed."""

import json
from pathlib import Path
from typing import Any

import pytest

from factory_tui.universe import Pack, Universe, load_packs
from factory_tui.universe.record import Recorded, RecordingError, proxy, read_recording
from factory_tui.universe.redact import Redactor
from factory_tui.universe.replay import replay, shape_problems

SECRETS = {
    "xoxb-12345-67890-abcdefghij": '{"ok":true,"access_token":"%s"}',
    "hunter2hunter2": '{"credentials":{"password":{"value":"%s"}}}',
    "hunter3hunter3": '{"password":"%s"}',
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln": '{"text":"see %s"}',
    "s3cr3t-s3cr3t": '{"nested":[{"client_secret":"%s"}]}',
    "jane.doe@corp.com": '{"profile":{"email":"%s"}}',
}


@pytest.mark.parametrize("secret", list(SECRETS))
def test_bodies_lose_secrets(secret: str) -> None:
    body = (SECRETS[secret] % secret).encode()
    kept = Redactor().body(body, "application/json")
    assert json.loads(kept).keys() == json.loads(body).keys()
    assert secret not in kept


def test_headers_paths_forms_and_bytes() -> None:
    redactor = Redactor({"acme.okta.com": "okta.example"})
    headers = redactor.headers(
        [
            ("Authorization", "SSWS 00abc"),
            ("cookie", "sid=1"),
            ("link", "<https://acme.okta.com/api/v1/users?after=00u1>; rel=next"),
        ]
    )
    assert headers == [
        ("Authorization", "SSWS REDACTED"),
        ("cookie", "REDACTED"),
        ("link", "<https://okta.example/api/v1/users?after=00u1>; rel=next"),
    ]
    assert redactor.path("/x?token=abc&after=00u1&cursor=dXNlcjo") == (
        "/x?token=REDACTED&after=00u1&cursor=dXNlcjo"
    )
    form = redactor.body(b"client_secret=abc&text=hi", "application/x-www-form-urlencoded")
    assert form == "client_secret=REDACTED&text=hi"
    assert redactor.body(b"\xff\xd8\xff", "image/jpeg") == "<3 bytes>"
    assert redactor.body(b'{"nextPageToken":"abc1"}', "application/json") == (
        '{"nextPageToken":"abc1"}'
    )


def test_people_stay_distinguishable() -> None:
    redactor = Redactor()
    one, two = redactor.text("ann@corp.com"), redactor.text("bob@corp.com")
    assert one != two
    assert redactor.text("to Ann@Corp.com") == f"to {one}"
    assert redactor.text("zoe@acme.example") == "zoe@acme.example"
    assert Redactor(people=False).text("ann@corp.com") == "ann@corp.com"


@pytest.mark.parametrize(
    ("wanted", "got", "problems"),
    [
        ({"a": 1}, {"a": 2.5, "more": 1}, []),
        ({"a": None}, {}, []),
        ({"a": 1}, {"a": None}, []),
        ({"a": 1}, {}, ["a is missing"]),
        ({"a": {"b": "x"}}, {"a": {"b": 1}}, ["a.b is number, recorded string"]),
        ([{"a": True}], [{"a": "yes"}], ["[].a is string, recorded boolean"]),
        ([1], [], []),
        ({}, [], ["body is array, recorded object"]),
    ],
)
def test_shapes(wanted: Any, got: Any, problems: list[str]) -> None:
    assert shape_problems(wanted, got) == problems


@pytest.fixture
def universe(packs_folder: Path) -> Universe:
    packs: dict[str, Pack] = load_packs(packs_folder, ["notes"])
    return Universe(packs)


def test_replay_follows_the_twins_own_ids(universe: Universe) -> None:
    auth = (("authorization", "Bearer t0p"),)
    note = '{"id":"nRECORDED1","owner":"bot","tags":[],"at":"2020-01-01T00:00:00.000Z"}'
    gone = '{"error":"no_such_note"}'
    rows = [
        Recorded("notes", "POST", "/notes", 201, auth, "", (), note),
        Recorded("notes", "GET", "/notes/nRECORDED1", 200, auth, "", (), note),
        Recorded("notes", "DELETE", "/notes/nRECORDED1", 204, auth),
        Recorded("notes", "GET", "/notes/nRECORDED1", 404, auth, "", (), gone),
        Recorded("notes", "GET", "/notes/n1", 404, auth, "", (), gone),
        Recorded("other", "GET", "/", 200),
    ]
    # This pack gives no token away, so the test does.
    universe.packs["notes"].env = lambda twin, url: {"NOTES_TOKEN": "t0p"}  # type: ignore[method-assign]
    try:
        found = replay(universe, rows)
    finally:
        del universe.packs["notes"].env  # type: ignore[method-assign]
    assert (found.total, found.agreed) == (5, 4)
    (wrong,) = found.disagreements
    assert (wrong.operation, wrong.path) == ("getNote", "/notes/n1")
    assert wrong.problem == "status 200, recorded 404; error none, recorded no_such_note"


def test_what_is_no_recording(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    for text in ("[]", "{}", '{"twin":"t"}', "not json"):
        path.write_text(text)
        with pytest.raises(RecordingError, match=r"x\.jsonl is no recording"):
            read_recording(path)
    cassette = tmp_path / "x.yaml"
    cassette.write_text("a: 1")
    with pytest.raises(RecordingError):
        read_recording(cassette)
    with pytest.raises(ValueError, match="no URL"):
        proxy("acme.okta.com")
