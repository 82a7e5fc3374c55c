"""What facts may speak of: the twins' collections and the fields of what a trial observes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from factory_tui.scenarios.facts.evaluate import CALL_ALIASES
from factory_tui.scenarios.facts.syntax import Fact, Field, Index, Key, Path, Where
from factory_tui.scenarios.problems import nearest

__all__ = ["CALL_FIELDS", "CMD_FIELDS", "VIEWS", "View", "lint_fact"]

View = Mapping[str, Mapping[str, frozenset[str]]]


def _fields(text: str) -> frozenset[str]:
    return frozenset(text.split())


VIEWS: Final[View] = {
    "okta": {
        "users": _fields("id login email first last name status groups"),
        "groups": _fields("id name members"),
    },
    "slack": {
        "users": _fields("id name email deleted"),
        "channels": _fields("id name private archived members"),
        "messages": _fields("channel user text ts"),
        "ephemerals": _fields("channel to text ts"),
        "modals": _fields("id user title callback_id open errors"),
        "interactions": _fields("id what user state error answer"),
    },
    "jira": {
        "projects": _fields("key name"),
        "issues": _fields(
            "key project type summary description text status labels assignee comments"
        ),
    },
}
"""Twin → collection → fields, as the sample packs show their state."""

CALL_FIELDS: Final = _fields(
    "n step t_virtual twin operation method path status ms fault gap principal request_headers "
    "request_body response_headers response_body"
) | frozenset(CALL_ALIASES)
CMD_FIELDS: Final = _fields("command exit killed stdout stderr output seconds step")

Doubt = tuple[int, str, str]
"""Column within the fact (from 1), message, hint."""


def lint_fact(fact: Fact, *, views: View = VIEWS, steps: int | None = None) -> list[Doubt]:
    """What a fact says that cannot be: unknown collections, fields, steps.

    Args:
        fact: the fact.
        views: twin → collection → fields.
        steps: how many steps the scenario has, if that is to be checked.
    """
    found: list[Doubt] = []
    for path in fact.paths():
        found += _walk(path, views)
        for part in path.parts:
            for c in part.conditions if isinstance(part, Where) else ():
                number = c.value.strip()
                too_far = number.isdigit() and steps is not None and int(number) > steps
                if c.field == "step" and c.op == "=" and too_far:
                    found.append((c.column, f"there is no step {number}", f"steps: 1 to {steps}"))
    return sorted(set(found))


def _walk(path: Path, views: View) -> Iterator[Doubt]:
    parts = list(path.parts)
    end = path.column + len(path.source)
    if not parts:
        yield path.column, f"`{path.source}` alone says nothing", "name a collection and a field"
        return
    if path.source == "files":
        if not isinstance(parts[0], (Key, Field)):
            yield end, "a file is named in brackets", "for example `files[report.txt]`"
        return
    if path.source == "cmd":
        yield from _rows(parts, CMD_FIELDS, "a command", end)
        return
    if path.source == "calls":
        first = parts[0]
        if isinstance(first, Field) and first.name != "count":
            if first.name not in views:
                yield first.column, f"no twin is called `{first.name}`", nearest(first.name, views)
            parts = parts[1:]
        yield from _rows(parts, CALL_FIELDS, "a call", end)
        return
    if path.source not in views:
        yield path.column, f"unknown source `{path.source}`", nearest(path.source, views)
        return
    collections = views[path.source]
    first = parts[0]
    if not isinstance(first, Field):
        yield end, f"`{path.source}` needs a collection", nearest("", collections)
        return
    if first.name not in collections:
        message = f"`{path.source}` has no `{first.name}`"
        yield first.column, message, nearest(first.name, collections)
        return
    what = f"{path.source}.{first.name}"
    yield from _rows(parts[1:], collections[first.name], what, first.column)


def _rows(
    parts: list[Field | Index | Key | Where], fields: frozenset[str], what: str, column: int
) -> Iterator[Doubt]:
    """Check what follows something that holds rows with these fields."""
    named = False
    for part in parts:
        if isinstance(part, Where):
            if named:
                yield part.column, "only rows can be filtered", "put the filter before the field"
            for c in part.conditions:
                if c.field not in fields:
                    yield c.column, f"{what} has no `{c.field}`", nearest(c.field, fields)
        elif isinstance(part, Key):
            yield part.column, f"`{part.name}` is not a condition", "for example `[name=x]`"
        elif isinstance(part, Field):
            if part.name != "count" and (named or part.name not in fields):
                yield part.column, f"{what} has no `{part.name}`", nearest(part.name, fields)
            named = True
    if not named:
        yield column, f"{what} is a list of rows", "name a field, or `.count`"
