"""Replays recordings of the real service against a fresh twin: golden tests, not answers.

Each recorded request is sent to the twin in the recorded order, with the twin's own credentials
and with the ids that the twin has given to what the recording calls otherwise. Compared are the
status, the error's code and the shape of the answer, never the words in it.
"""

import base64
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from factory_tui.universe.http import Request, Response
from factory_tui.universe.record import Recorded
from factory_tui.universe.redact import GONE
from factory_tui.universe.universe import Universe

__all__ = ["Agreement", "Disagreement", "replay", "shape_problems"]

_ID: Final = re.compile(r"(?=.*\d)[A-Za-z0-9_.=-]{3,}")
_SCHEME: Final = re.compile(r"(SSWS|Bearer|Basic)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One exchange in which the twin differs from the recording."""

    twin: str
    operation: str
    method: str
    path: str
    problem: str


@dataclass(slots=True)
class Agreement:
    """What a replay came to.

    Attributes:
        total: Exchanges replayed.
        agreed: Those without a disagreement.
    """

    total: int = 0
    agreed: int = 0
    disagreements: list[Disagreement] = field(default_factory=list)

    def add(self, other: "Agreement") -> None:
        """Take another's counts in."""
        self.total += other.total
        self.agreed += other.agreed
        self.disagreements += other.disagreements


def replay(universe: Universe, rows: Iterable[Recorded]) -> Agreement:
    """Replay one recording in ``universe``, which it changes. Rows of other twins are left out."""
    found = Agreement()
    known: dict[str, str] = {}
    for row in rows:
        if row.twin not in universe.twins:
            continue
        credentials = universe.env(row.twin, "http://twin.test")
        response = universe.handle(row.twin, _request(row, known, credentials))
        problems = _compare(row, response)
        found.total += 1
        if problems:
            operation = universe.tap[-1].operation
            words = "; ".join(problems[:3]) + (" …" if len(problems) > 3 else "")
            found.disagreements.append(
                Disagreement(row.twin, operation, row.method, row.path, words)
            )
        else:
            found.agreed += 1
        _bind(_json(row.response_body), _json(response.body), known)
    return found


def _request(row: Recorded, known: Mapping[str, str], credentials: Mapping[str, str]) -> Request:
    token = next((v for k, v in credentials.items() if k.endswith("TOKEN")), "")
    email = next((v for k, v in credentials.items() if k.endswith("EMAIL")), "")
    headers = []
    for name, value in row.request_headers:
        if name in ("host", "content-length", "accept-encoding"):
            continue
        if name == "authorization":
            scheme = _SCHEME.match(value)
            word = scheme[1] if scheme else "Bearer"
            given = token
            if word.lower() == "basic":
                given = base64.b64encode(f"{email}:{token}".encode()).decode()
            value = f"{word} {given}"
        headers.append((name, _bound(value, known)))
    body = _bound(row.request_body, known).replace(f"token={GONE}", f"token={token}")
    return Request.build(row.method, _bound(row.path, known), headers, body)


def _bound(text: str, known: Mapping[str, str]) -> str:
    """The text with the twin's ids in the place of the recording's."""
    if not known:
        return text
    return _ID.sub(lambda match: _whole(match[0], known), text)


def _whole(word: str, known: Mapping[str, str]) -> str:
    if word in known:
        return known[word]
    # An id may stand beside other letters: "after=00u1", "00u1.json".
    parts = re.split(r"([=.])", word)
    return "".join(known.get(part, part) for part in parts)


def _compare(row: Recorded, response: Response) -> list[str]:
    problems = []
    if row.status != response.status:
        problems.append(f"status {response.status}, recorded {row.status}")
    wanted, got = _json(row.response_body), _json(response.body)
    code, ours = _error(wanted), _error(got)
    if code != ours:
        problems.append(f"error {ours or 'none'}, recorded {code or 'none'}")
    if not problems:
        problems = shape_problems(wanted, got)
    return problems


def _error(body: Any) -> str:
    """The code of an error in any of the vendors' dialects, "" if it is none."""
    if not isinstance(body, dict):
        return ""
    if body.get("ok") is False or "errorCode" in body:
        return str(body.get("errorCode") or body.get("error") or "error")
    if isinstance(body.get("error"), str):
        return str(body["error"])
    if body.get("errorMessages") or body.get("errors"):
        errors = body.get("errors")
        return "errors:" + ",".join(sorted(errors)) if isinstance(errors, dict) else "errors"
    return ""


def shape_problems(wanted: Any, got: Any, at: str = "") -> list[str]:
    """Where ``got`` lacks what ``wanted`` has, or has another JSON type there.

    Null fits everything, and further fields are no problem: services add some every month.
    """
    if wanted is None or got is None:
        return []
    if _kind(wanted) != _kind(got):
        return [f"{at or 'body'} is {_kind(got)}, recorded {_kind(wanted)}"]
    if isinstance(wanted, dict):
        problems = []
        for name, value in wanted.items():
            place = f"{at}.{name}" if at else name
            if name not in got:
                if value is not None:
                    problems.append(f"{place} is missing")
            else:
                problems += shape_problems(value, got[name], place)
        return problems
    if isinstance(wanted, list) and wanted and got:
        return shape_problems(wanted[0], got[0], f"{at}[]")
    return []


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    kinds = {dict: "object", list: "array", str: "string", int: "number", float: "number"}
    return kinds.get(type(value), "nothing")


def _bind(recorded: Any, ours: Any, known: dict[str, str]) -> None:
    """Note which of the twin's ids stands where the recording has another."""
    if isinstance(recorded, dict) and isinstance(ours, dict):
        for name, value in recorded.items():
            _bind(value, ours.get(name), known)
    elif isinstance(recorded, list) and isinstance(ours, list):
        for value, mine in zip(recorded, ours, strict=False):
            _bind(value, mine, known)
    elif (
        isinstance(recorded, str)
        and isinstance(ours, str)
        and recorded != ours
        and _ID.fullmatch(recorded)
        and not _looks_like_time(recorded)
    ):
        known.setdefault(recorded, ours)


def _looks_like_time(text: str) -> bool:
    return bool(re.match(r"\d{4}-\d\d-\d\d", text))


def _json(body: str | bytes) -> Any:
    try:
        return orjson.loads(body) if body else None
    except orjson.JSONDecodeError:
        return None
