"""``[twins.development]`` of ``factory.toml``: what the builder's own twins hold, and who acts.

A twin is given a data set (``slack = "acme-12"``), or a table::

    [twins.development.slack]
    data = "acme-12"
    setup = [
      { add_users = [{ as = "ben", first = "Ben", last = "Ruiz", email = "ben@acme.example" }] },
      { configure_app = { url = "http://127.0.0.1:8080/slack/events" } },
    ]

``setup`` holds operations in the form of a scenario's set-up. With a table the builder can also
act in its twins while its program runs (see :mod:`factory_tui.trials.acting`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, time
from typing import Any

__all__ = ["Operation", "located", "read_development"]

_KEYS = ("data", "setup")


@dataclass(frozen=True, slots=True)
class Operation:
    """One set-up operation; ``line`` (from 1) is where ``factory.toml`` has it."""

    twin: str
    op: str
    args: Any
    line: int = 0


def read_development(value: object) -> tuple[dict[str, str], tuple[Operation, ...] | None]:
    """The data set of each twin, and the operations; ``None`` where no twin has a table.

    Raises:
        ValueError: with what is wrong, as the end of a sentence.
    """
    if not isinstance(value, dict):
        raise ValueError(f'must be a table such as {{okta = "acme-12"}}, got {value!r}')
    data: dict[str, str] = {}
    operations: list[Operation] | None = None
    for twin, given in value.items():
        if isinstance(given, dict):
            operations = operations or []
            for key in given:
                if key not in _KEYS:
                    raise ValueError(f"has the unknown key {key!r} for {twin!r}; use data, setup")
            operations += _setup(twin, given.get("setup", []))
            given = given.get("data", "empty")
        if not isinstance(given, str):
            raise ValueError(
                f"gives {twin!r} no data set: it must be a name in quotes such as "
                f'"acme-12", got {given!r}'
            )
        data[twin] = given
    return data, None if operations is None else tuple(operations)


def _setup(twin: str, given: object) -> list[Operation]:
    blocks: list[Any] = given if isinstance(given, list) else [given]
    if not all(isinstance(block, dict) for block in blocks):
        raise ValueError(
            f"needs operations in `setup` of {twin!r}, such as "
            f'setup = [{{ set_channel = {{ name = "general", members = [] }} }}], got {given!r}'
        )
    return [Operation(twin, op, _plain(args)) for block in blocks for op, args in block.items()]


def _plain(value: Any) -> Any:
    """A value of TOML as one of JSON: dates and times become text."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, date | time) else value


def located(operations: Sequence[Operation], text: str) -> tuple[Operation, ...]:
    """The operations with the lines on which ``text``, the whole file, has them."""
    found = []
    at = {twin: _start(text, twin) for twin in {operation.twin for operation in operations}}
    for operation in operations:
        name = re.compile(rf'(?<![\w."-])"?{re.escape(operation.op)}"?\s*(?:=|\])')
        place = name.search(text, at[operation.twin])
        where = place.start() if place else at[operation.twin]
        at[operation.twin] = place.end() if place else where
        found.append(replace(operation, line=text.count("\n", 0, where) + 1))
    return tuple(found)


def _start(text: str, twin: str) -> int:
    """Where the part of a file begins that is about a twin's development data."""
    quoted = rf'"?{re.escape(twin)}"?'
    for pattern in (rf"^\s*\[+\s*twins\s*\.\s*development\s*\.\s*{quoted}", r"^\s*development\b"):
        if place := re.search(pattern, text, re.MULTILINE):
            return place.end()
    return 0
