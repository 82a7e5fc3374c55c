"""Calls every operation of the twin through the official client, with what it needs made first.

What an operation's path names is made through the API (or by a scenario's operation where Okta's
API cannot make it), from ``samples.py`` and ``needs.py``; what its body holds is there too. So a
call that fails shows a twin that refuses or answers what its vendor's own client cannot use.
"""

from typing import Any
from urllib.parse import urlencode

from .description import problem_of
from .needs import (
    BEFORE,
    BODIES,
    ELSEWHERE,
    IMAGE,
    MADE,
    OTHER_STATUS,
    QUERY,
    REFUSED,
    VALUES,
    WIRE,
)
from .samples import GOOD, NESTED
from .sdk import Operation, bare, built

__all__ = ["Driver", "checked_type"]


class Driver:
    """One organisation and its client.

    Attributes:
        okta: Calls without the client, to make what a call needs.
        client: The official client.
    """

    def __init__(self, okta: Any, client: Any) -> None:
        self.okta = okta
        self.client = client
        self.known: dict[str, Any] = {}

    def post(self, path: str, body: Any = b"") -> dict[str, Any]:
        """Make something; its answer."""
        answer = self.okta(f"POST {path}", body)
        assert answer.status < 300, f"POST {path}: {answer.status} {answer.body!r}"
        return dict(answer.data()) if answer.body else {}

    def first(self, path: str, key: str = "id") -> str:
        """The id of a list's first element."""
        answer = self.okta(f"GET {path}")
        assert answer.status == 200, f"GET {path}: {answer.body!r}"
        found = answer.data()
        if isinstance(found, dict):
            found = next(value for value in found.values() if isinstance(value, list))
        return str(found[0][key])

    def values(self, path: str) -> list[str]:
        """What stands for each parameter of a bare path, made anew."""
        pieces = path.split("{}")
        found: list[str] = []
        for number in range(1, len(pieces)):
            prefix = "{}".join(pieces[:number]) + "{}"
            found.append(self._one(prefix, found))
        return found

    def _one(self, prefix: str, above: list[str]) -> str:
        maker = MADE.get(prefix)
        if isinstance(maker, str):
            return maker
        if maker is not None:
            return str(maker(self, *above))
        collection = prefix.removesuffix("/{}")
        body = self.body("POST", collection, above)
        made = self.post(filled(collection, above), body)
        return str(made.get("id") or made["kid"])

    def body(self, verb: str, path: str, above: list[str]) -> Any:
        """The body of an operation; an empty one if there is no sample."""
        known = {bare(key.replace("{0}", "{}")): value for key, value in (GOOD | NESTED).items()}
        for key in (f"{verb} {path}", f"* {path}"):
            if key in BODIES:
                sample = BODIES[key]
                return sample(self, *above) if callable(sample) else sample
        if path in known:
            return known[path]
        return known.get(path.removesuffix("/{}"))

    async def drive(self, one: Operation) -> str:
        """Call an operation; why its answer is not what the client promises, "" if it is."""
        line = f"{one.verb} {one.path}"
        if line in ELSEWHERE:
            return ""
        values = VALUES[line](self) if line in VALUES else self.values(one.path)
        self._prepare(one.verb, one.path, filled(one.path, values))
        if line in WIRE:
            return self._over_the_wire(one, values)
        given = self._arguments(one, values)
        result = await getattr(self.client, one.name)(**given)
        exchange = self.okta.universe.tap[-1]
        problem = result[-1]
        if line in REFUSED:
            return "" if REFUSED[line] in str(problem) else f"not refused: {result[0]}"
        if problem is not None:
            return f"{one.name}: {problem}"
        if exchange.gap:
            return f"{one.name}: gaps {exchange.gap}"
        if line in OTHER_STATUS:
            return "" if str(exchange.status) not in one.types or result[0] is None else "agrees"
        return checked_type(one, result[0] if len(result) == 3 else None, exchange.status)

    def drive_unknown(self, verb: str, path: str) -> str:
        """The same for an operation the client does not have: its description says what is due."""
        line = f"{verb} {path}"
        if line in ELSEWHERE:
            return ""
        values = VALUES[line](self) if line in VALUES else self.values(path)
        self._prepare(verb, path, filled(path, values))
        body = self.body(verb, path, values)
        query = urlencode(QUERY.get(line, {}))
        target = filled(line, values) + (f"?{query}" if query else "")
        answer = self.okta(target, body if body is not None else b"")
        if self.okta.universe.tap[-1].gap:
            return f"gap {self.okta.universe.tap[-1].gap}"
        if answer.status >= 400:
            return (
                ""
                if REFUSED.get(line, "-") in str(answer.body)
                else f"{answer.status} {answer.body!r}"
            )
        is_json = (answer.header("content-type") or "").startswith("application/json")
        return problem_of(verb, path, answer.status, answer.data() if is_json else None)

    def _prepare(self, verb: str, path: str, line: str) -> None:
        """What has to be inactive before it goes or is activated, and the like."""
        above, _, last = line.rpartition("/")
        first = BEFORE.get(f"{verb} {path}")
        if verb == "DELETE":
            self.okta(f"POST {line}/lifecycle/deactivate")
        elif last == "activate" and "/lifecycle/" in line:
            self.okta(f"POST {above}/deactivate")
        elif first:
            self.okta(f"POST {above}/{first}")

    def _arguments(self, one: Operation, values: list[str]) -> dict[str, Any]:
        given: dict[str, Any] = dict(zip(one.params, values, strict=True))
        if one.body:
            body = self.body(one.verb, one.path, values)
            given[one.body] = built(one.kind, body) if body is not None else None
        if one.file:
            given[one.file] = IMAGE
        for name, value in QUERY.get(f"{one.verb} {one.path}", {}).items():
            given[name] = value(self, *values) if callable(value) else value
        return given

    def _over_the_wire(self, one: Operation, values: list[str]) -> str:
        from okta import models

        body = self.body(one.verb, one.path, values)
        answer = self.okta(f"{one.verb} {filled(one.path, values)}", body)
        wanted = one.types.get(str(answer.status))
        if answer.status >= 400 or wanted is None:
            return f"{one.name}: {answer.status} {answer.body!r}"
        found = answer.data()
        for part in found if isinstance(found, list) else [found]:
            getattr(models, wanted).from_dict(part)
        return ""


def filled(path: str, values: list[str]) -> str:
    """A bare path with values for its first parameters."""
    for value in values:
        path = path.replace("{}", value, 1)
    return path


def checked_type(one: Operation, result: Any, status: int) -> str:
    """Why an answer is not what the client promises; "" if it is."""
    if str(status) not in one.types:
        return f"{status} is none of {sorted(one.types)}"
    wanted = one.types[str(status)]
    if wanted in (None, "Success") or status == 204:
        return ""
    if result is None:
        return f"{status} should give {wanted} and gave nothing"
    if str(wanted).startswith("List["):
        return "" if isinstance(result, list) else f"{wanted} became {type(result).__name__}"
    return ""
