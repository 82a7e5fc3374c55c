"""What a verdict rests on: rulings in order of gravity, and the observations to look at first.

Knows rows of the store, nothing of Textual.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from factory_tui.store import StepRow, VerdictRow

__all__ = [
    "EXCHANGES",
    "PROGRAMS",
    "Ruling",
    "arrange",
    "call_failed",
    "culprit",
    "evidence",
    "rulings",
]

EXCHANGES: Final = ("call", "event")
"""Kinds of entries of a trajectory that tell of an exchange with a twin, either way."""

PROGRAMS: Final = ("run", "stop")
"""Kinds of entries that say how a program of the product ended and what it printed."""

_OPERATION: Final = re.compile(r"operation\s*=\s*[\"']?([\w.:-]+)")
_NO_TWINS: Final = frozenset({"cmd", "calls", "files", "http"})
_TWIN: Final = re.compile(r"\b(?:calls\.)?([a-z][a-z0-9_]*)[.\[]")
_READS: Final = ("GET ", "HEAD ", "OPTIONS ")


@dataclass(frozen=True, slots=True)
class Ruling:
    """One criterion and what was held of it.

    ``level`` is "must", "should" or "never", ``kind`` "fact" or "judge", ``verdict`` "met",
    "unmet" or "unclear". ``quote`` is the judge's quoted evidence, ``steps`` the scenario steps
    that the ruling rests on (empty where it rests on the state afterwards).
    """

    n: int
    level: str
    kind: str
    text: str
    verdict: str
    expected: str = ""
    actual: str = ""
    quote: str = ""
    error: str = ""
    steps: tuple[int, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether it alone makes the trial unsatisfied."""
        return self.verdict != "met" and self.level != "should"


def rulings(verdict: VerdictRow) -> list[Ruling]:
    """Every criterion that was looked at, the gravest first."""
    facts = {int(fact["n"]): fact for fact in verdict.facts}
    found = [_ruling(entry, facts.get(int(entry["n"]))) for entry in verdict.criteria]
    known = {ruling.n for ruling in found}
    for n, fact in facts.items():
        if n not in known:
            good = bool(fact.get("ok")) != (fact.get("level") == "never") and not fact.get("error")
            told = {**fact, "kind": "fact", "verdict": "met" if good else "unmet"}
            found.append(_ruling(told, fact))
    order = {"unmet": 0, "unclear": 1, "met": 2}
    found.sort(key=lambda r: (not r.failed, order.get(r.verdict, 1), r.n))
    return found


def _ruling(entry: Any, fact: Any) -> Ruling:
    fact = fact or {}
    kind = str(entry.get("kind") or "fact")
    return Ruling(
        n=int(entry["n"]),
        level=str(entry.get("level") or "must"),
        kind=kind,
        text=str(fact.get("text") or entry.get("text") or ""),
        verdict=str(entry.get("verdict") or "unclear"),
        expected=str(fact.get("expected") or ""),
        actual=str(fact.get("actual") or ""),
        quote=str(entry.get("evidence") or "") if kind == "judge" else "",
        error=str(fact.get("error") or ""),
        steps=tuple(int(step) for step in entry.get("steps") or ()),
    )


def arrange(steps: Sequence[StepRow]) -> list[StepRow]:
    """A trajectory for reading: each command before the calls that it made.

    The harness notes a command when it has ended, so its calls come first in the store.
    """
    listed: list[StepRow] = []
    calls: list[StepRow] = []
    for entry in steps:
        if entry.kind == "call":
            if calls and calls[-1].step != entry.step:
                listed += calls
                calls = []
            calls.append(entry)
            continue
        if entry.kind != "run" or (calls and calls[-1].step != entry.step):
            listed += calls
            calls = []
        listed.append(entry)
        listed += calls
        calls = []
    return listed + calls


def call_failed(entry: StepRow) -> bool:
    """Whether a call got an error, no answer, an injected fault or a gap."""
    if entry.kind != "call":
        return False
    status = entry.data.get("status")
    bad = status is not None and (int(status) >= 400 or int(status) == 0)
    return bad or bool(entry.data.get("fault")) or bool(entry.data.get("gap"))


def _run_failed(entry: StepRow) -> bool:
    if entry.kind != "run":
        return False
    return bool(entry.data.get("killed")) or entry.data.get("exit") not in (0, None)


def _named(entry: StepRow, ruling: Ruling) -> bool:
    """Whether the criterion names the operation of this call."""
    if entry.kind != "call":
        return False
    operations = _OPERATION.findall(ruling.text)
    return entry.data.get("operation") in operations if operations else False


def of_ruling(entries: Sequence[StepRow], ruling: Ruling) -> list[int]:
    """The observations that one ruling is about, most telling first.

    Calls that the criterion names, then failed calls, then failed commands, each within the
    ruling's steps; for a ruling about the state afterwards, the last change of a twin that it
    names; at least the steps themselves.
    """
    inside = [
        index
        for index, entry in enumerate(entries)
        if not ruling.steps or entry.step in ruling.steps
    ]
    named = [index for index in inside if _named(entries[index], ruling)]
    failed = [index for index in inside if call_failed(entries[index])]
    crashed = [index for index in inside if _run_failed(entries[index])]
    twins = set(_TWIN.findall(ruling.text)) - _NO_TWINS if ruling.kind == "fact" else set()
    # A refused call of another twin explains nothing about this one's state.
    failed = [index for index in failed if not twins or entries[index].who in twins]
    about_command = ruling.kind == "fact" and "cmd[" in ruling.text
    found = (
        [*named, *crashed, *failed] if about_command and not failed else [*named, *failed, *crashed]
    )
    if not found and not ruling.steps:
        changes = [
            index
            for index in inside
            if entries[index].kind == "call"
            and entries[index].who in twins
            and not entries[index].text.startswith(_READS)
        ]
        found = changes[-1:]
    if not found:
        commands = [index for index in inside if entries[index].kind == "run"]
        found = commands[:1] if ruling.steps else commands[-1:]
    if not found and ruling.steps:
        found = inside[:1]
    return list(dict.fromkeys(found))


def culprit(entries: Sequence[StepRow], found: Sequence[Ruling]) -> int | None:
    """The observation that a failed trial should be opened at; None if nothing stands out."""
    for ruling in found:
        if ruling.failed:
            told = of_ruling(entries, ruling)
            if told:
                return told[0]
    for test in (_run_failed, call_failed):
        for index, entry in enumerate(entries):
            if test(entry):
                return index
    return None


def evidence(entries: Sequence[StepRow], found: Sequence[Ruling]) -> list[int]:
    """Where ``n`` jumps to, in the order of the trajectory."""
    told: set[int] = set()
    for ruling in found:
        if ruling.verdict != "met":
            told.update(of_ruling(entries, ruling))
        elif ruling.kind == "judge" and ruling.steps:
            told.update(of_ruling(entries, ruling)[:1])
    told.update(i for i, entry in enumerate(entries) if call_failed(entry) or _run_failed(entry))
    return sorted(told)


def marked(entries: Sequence[StepRow], found: Sequence[Ruling]) -> frozenset[int]:
    """The entries that a failed criterion is about."""
    return frozenset(
        index for ruling in found if ruling.verdict != "met" for index in of_ruling(entries, ruling)
    )
