"""A request of a few megabytes costs a twin a few times its size, whatever it is made of."""

import tracemalloc

import orjson
import pytest

from factory_tui.universe import BadBodyError, Request, Universe, load_packs, read_json, read_parts

from .conftest import TWINS
from .test_fuzz import authorization

SIZE = 16 << 20
JSON, FORM = "application/json", "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=b"
BOMBS = {
    "brackets": (JSON, b"[" + b"[]," * (SIZE // 3) + b"[]]"),
    "objects": (JSON, b'{"blocks":[' + b'{"a":1},' * (1_000_000 // 8) + b"1]}"),
    "deep": (JSON, b'{"a":' * 200 + b"1" + b"}" * 200),
    "fields": (FORM, b"&".join(b"%x=" % n for n in range(1_000_000))),
    "escapes": (FORM, b"text=" + b"%41" * (SIZE // 3)),
    "lines": (MULTIPART, b"--b\r\n\r\n" + b"a\n" * (SIZE // 2) + b"\r\n--b--"),
    "parts": (MULTIPART, b"--b\r\n\r\n\r\n" * 1_000_000 + b"--b--"),
    "heads": (MULTIPART, b"--b\r\n" + b"a:b\r\n" * (SIZE // 5) + b"\r\nx\r\n--b--"),
}
CALLS = {
    "okta": ["/api/v1/groups", "/oauth2/v1/token"],
    "slack": ["/api/chat.postMessage", "/api/files.upload", "/oauth/v2/authorize"],
    "jira": ["/rest/api/3/issue", "/rest/api/3/issue/{issue}/attachments"],
}


@pytest.fixture(scope="module")
def base() -> Universe:
    seeds = {"okta": "acme-12", "slack": "acme-12", "jira": "acme-it"}
    universe = Universe(load_packs(TWINS, list(CALLS)), seeds)
    fields = {"project": {"key": "IT"}, "summary": "S", "issuetype": {"name": "Task"}}
    headers = {"authorization": authorization(universe, "jira")}
    asked = Request.build("POST", "/rest/api/3/issue", headers, {"fields": fields})
    CALLS["jira"][1] = CALLS["jira"][1].format(issue=universe.handle("jira", asked).data()["key"])
    return universe


@pytest.mark.parametrize("bomb", BOMBS)
@pytest.mark.parametrize("twin", CALLS)
def test_no_body_costs_many_times_its_size(base: Universe, twin: str, bomb: str) -> None:
    universe = base.fork()
    kind, body = BOMBS[bomb]
    headers = {"authorization": authorization(universe, twin), "content-type": kind,
               "x-atlassian-token": "no-check"}  # fmt: skip
    for path in CALLS[twin]:
        universe.handle(twin, Request.build("POST", path, headers))  # what is loaded once
        tracemalloc.start()
        answer = universe.handle(twin, Request.build("POST", path, headers, body))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 3 * SIZE, f"{path}: {peak >> 20} MiB"
        assert universe.crashes == []
        assert answer.status < 500
        if path == CALLS[twin][0] and kind != MULTIPART:
            refused = answer.status in (400, 415)
            assert refused or answer.data()["error"].startswith("invalid_")


def test_what_honest_clients_send_is_read() -> None:
    text = '{"text": "' + "," * 400_000 + '"}'
    with pytest.raises(BadBodyError, match="values"):
        read_json(text)
    assert read_json('{"text": "' + "a " * 400_000 + '"}')["text"].startswith("a a")
    rows = [{"id": n, "name": "x" * 20} for n in range(9_000)]
    assert read_json(orjson.dumps(rows)) == rows
    deep = b"[" * 100 + b"]" * 100
    assert read_json(deep)
    with pytest.raises(BadBodyError, match="levels"):
        read_json(b"[" + deep + b"]")
    with pytest.raises(BadBodyError):
        read_json("\ud800")
    assert len(Request.build("POST", "/", body="&".join(["a=b"] * 1000)).form_pairs()) == 1000
    with pytest.raises(BadBodyError):
        Request.build("POST", "/", body="&".join(["a=b"] * 1001)).form()


def test_the_parts_of_a_form_are_told_apart() -> None:
    body = (
        b'preamble\r\n--b\r\nContent-Disposition: form-data; name="a"\r\n\r\none\r\n--bc\r\ntwo'
        b'\r\n--b  \r\ncontent-disposition: form-data; name=f; filename="\xc3\xa9.txt"\r\n'
        b"Content-Type: text/plain\r\n\r\n\r\n\r\nx\r\n\r\n--b\r\n\r\nnameless\r\n--b\n"
        b'Content-Disposition: form-data; name="l"\nContent-Transfer-Encoding: base64\n\naGk=\n'
        b"--b--\r\nepilogue\r\n--b\r\n"
    )
    parts = read_parts('Multipart/Form-Data; boundary="b"', body)
    assert [(part.name, part.data) for part in parts] == [
        ("a", b"one\r\n--bc\r\ntwo"), ("f", b"\r\n\r\nx\r\n"), ("", b"nameless"), ("l", b"hi")
    ]  # fmt: skip
    assert [part.filename is None for part in parts] == [True, False, True, True]
    for kind, wrong in (("multipart/form-data", body), ("multipart/form-data; boundary=b", b"x"),
                        ("multipart/form-data; boundary=b", b"--b\r\n\r\nx")):  # fmt: skip
        with pytest.raises(BadBodyError):
            read_parts(kind, wrong)
