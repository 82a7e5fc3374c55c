"""Write ``twins/okta/COVERAGE.md``: what is described, implemented, and how each was proven.

Usage: ``python -m tests.twins.okta.coverage_table``. Runs the twin's tests once (without the
fuzzing ones, which prove nothing about a single operation) and replays the recordings.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import orjson

from factory_tui.universe import Universe, load_packs

from ..evidence import write_evidence
from .conftest import Okta
from .replay import RECORDINGS, Replay, recordings
from .test_okta_recordings import judged

HERE = Path(__file__).parent
TWINS = HERE.parents[2] / "twins"


def exercised() -> tuple[set[str], set[str], set[str]]:
    """Operations that tests call, that a real SDK calls, and that tests see refuse what is wrong.

    That strangers are refused (401) is not counted: every operation does that alike.
    """
    called, driven, refused = set(), set(), set()
    files = [str(p) for p in HERE.glob("test_*.py") if "fuzz" not in p.name]
    files = [name for name in files if "recordings" not in name]
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pytest", "-q", "-n2", "-k", "not breaks", *files]
        subprocess.run(command, env={**os.environ, "OKTA_NOTES": folder}, check=True)
        for path in Path(folder).iterdir():
            for operation, client, status, _ in orjson.loads(path.read_bytes()):
                called.add(operation)
                if client and status < 400:
                    driven.add(operation)
                if 400 <= status < 500 and status != 401:
                    refused.add(operation)
    return called, driven, refused


def agreement() -> tuple[Counter[str], Counter[str]]:
    """By operation: interactions that were recorded, and that agree."""
    recorded: Counter[str] = Counter()
    agreed: Counter[str] = Counter()
    packs = load_packs(TWINS, ["okta"])
    for _, _, items in recordings():
        replay = Replay(Okta(Universe(packs, seeds={"okta": "empty"})), items)
        replay.presume()
        for item in items:
            operation, answer, wanted, answered = replay.send(item)
            recorded[operation] += 1
            agreed[operation] += not judged(item, answer, wanted, answered, 1)
    return recorded, agreed


def _wrapped(names: list[str]) -> list[str]:
    text = ", ".join(f"`{name}`" for name in names)
    return re.findall(r"\S.{0,96}(?:\s|$)", text)


def main() -> int:
    """Write the table."""
    called, driven, refused = exercised()
    recorded, agreed = agreement() if RECORDINGS.is_dir() else (Counter(), Counter())
    routes = load_packs(TWINS, ["okta"])["okta"].routes.operations
    areas: dict[str, list[tuple[str, bool]]] = defaultdict(list)
    text = (TWINS / "okta" / "described.py").read_text(encoding="utf-8")
    described = set(re.findall(r"^[A-Z]+ /\S+ (\w+)$", text, re.MULTILINE))
    for operation, (_, template, implemented) in routes.items():
        if operation not in described:
            continue
        parts = [part for part in template.split("/") if part]
        at = 2 if parts[:2] == ["api", "v1"] else 0
        area = "/".join(parts[:1] if at == 0 else parts[at : at + 1])
        areas[area].append((operation, implemented))
    rows: list[list[Any]] = []
    for area, found in sorted(areas.items()):
        names = {operation for operation, _ in found}
        done = {operation for operation, implemented in found if implemented}
        rows.append(
            [
                f"`{area}`",
                len(names),
                len(done),
                len(done & called),
                len(done & driven),
                len(done & refused),
                sum(recorded[name] for name in names),
                sum(agreed[name] for name in names),
            ]
        )
    total = ["**all**", *(sum(row[n] for row in rows) for n in range(1, 8))]
    heads = ["area", "described", "implemented", "called by tests", "driven by a real SDK"]
    heads += ["negative paths", "recorded", "agrees with recordings"]
    beyond = sorted(name for name in routes if name not in described)
    lines = [
        "# Coverage of the Okta twin",
        "",
        "Written by `python -m tests.twins.okta.coverage_table`; operations of the management API",
        "by the first part of their path. *Driven by a real SDK*: the official Python client",
        "called it and got the model it promises (it lacks some). *Negative paths*: tests",
        "saw it refuse a missing object, a bad body or an illegal state. The last two columns",
        "count recorded interactions.",
        "",
        f"| {' | '.join(heads)} |",
        "|---|" + "---:|" * 7,
        *(f"| {' | '.join(map(str, row))} |" for row in [*rows, total]),
        "",
    ]
    lacking = sorted(
        name for name, (*_, implemented) in routes.items() if name in described and not implemented
    )
    if lacking:
        lines += ["Described and not implemented (501 `E0000060`, and a gap in the traffic):", ""]
        lines += _wrapped(lacking)
    else:
        lines += ["Every described operation is implemented."]
    undriven = sorted(described - driven - set(lacking))
    lines += ["", "Implemented and not driven by the client (most of them it does not have):", ""]
    lines += _wrapped(undriven)
    lines += [
        "",
        "Beyond the management API (OAuth 2.0, sign-in, sessions):",
        "",
        *_wrapped(beyond),
    ]
    (TWINS / "okta" / "COVERAGE.md").write_text("\n".join(s.rstrip() for s in lines) + "\n")
    alike = {name for name, count in recorded.items() if count == agreed[name]}
    write_evidence("okta", driven=driven, agreeing=alike, refusing=refused)
    print(total)
    return 0


if __name__ == "__main__":
    sys.exit(main())
