"""``kill -9`` at any moment loses nothing that was acknowledged; writers do not disturb each other.

Real processes write into one store and print each commit after it returned; they are killed at
random moments, over and over, on the same file.
"""

import json
import random
import sqlite3
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from factory_tui.store import RunRow, Store, Traffic

from .conftest import RUN

WRITER = Path(__file__).with_name("writer.py")

# each query must give no row
INVARIANTS = {
    "a turn below its parent": """SELECT t.id FROM turn t LEFT JOIN turn p ON p.id = t.parent_id
      WHERE t.depth <> coalesce(p.depth + 1, 0) OR t.parent_id >= t.id""",
    "a jump goes to an ancestor": """SELECT t.id FROM turn t LEFT JOIN turn j ON j.id = t.jump_id
      WHERE t.parent_id IS NOT NULL AND (j.id IS NULL OR j.depth >= t.depth)""",
    "each turn is in the log once": """SELECT t.id FROM turn t LEFT JOIN log l
      ON l.turn_id = t.id AND l.kind = 'append' GROUP BY t.id HAVING count(l.seq) <> 1""",
    "each head is the last append": """SELECT c.id FROM context c WHERE c.head_id IS NOT (
      SELECT l.turn_id FROM log l WHERE l.context_id = c.id ORDER BY l.seq DESC LIMIT 1)""",
    "each key has its turn": """SELECT t.id FROM turn t LEFT JOIN idem i ON i.turn_id = t.id
      WHERE i.turn_id IS NULL""",
    "held tokens are those of open entries": """SELECT id FROM run WHERE held_tokens <> (
      SELECT coalesce(sum(held_tokens), 0) FROM ledger WHERE run_id = run.id AND state = 'open')""",
    "spent tokens are those of closed entries": """SELECT id FROM run WHERE spent_tokens <> (
      SELECT coalesce(sum(tokens), 0) FROM ledger WHERE run_id = run.id AND state <> 'open')""",
    "a trajectory is whole or absent": """SELECT trial FROM step
      GROUP BY trial HAVING count(*) <> 3""",
    "references hold": "SELECT * FROM pragma_foreign_key_check",
    "no removal is under way": "SELECT * FROM removal",
}


def start(database: Path, name: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, str(WRITER), str(database), RUN, name], stdout=subprocess.PIPE
    )


def acknowledged(process: subprocess.Popen[bytes]) -> list[dict[str, Any]]:
    """What a dead writer said; a line cut off by the kill counts for nothing."""
    assert process.stdout
    with process.stdout as out:
        lines = out.read().split(b"\n")[:-1]
    process.wait()
    return [json.loads(line) for line in lines]


def check_invariants(database: Path) -> None:
    conn = sqlite3.connect(database)
    assert conn.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    for name, query in INVARIANTS.items():
        assert conn.execute(query).fetchall() == [], name
    conn.close()


def check_everything_is_there(database: Path, facts: list[dict[str, Any]]) -> None:
    with Store.open(database, create=False) as store:
        events = {event.seq: event.data for event in store.events(limit=10**9)}
        entries = {entry.id: entry for entry in store.ledger(RUN)}
        contexts = {context.id for context in store.contexts(RUN)}
        for fact in facts:
            said = {key: fact[key] for key in ("by", "n") if key in fact}
            match fact:
                case {"seq": seq}:
                    assert events[seq] == said
                case {"turn": turn}:
                    payload = store.turn(turn).payload
                    assert {"by": payload["by"], "n": payload["n"]} == said
                    assert payload["text"] == "x" * (fact["n"] % 3_000)
                case {"opened": entry}:
                    assert entry in entries
                case {"closed": entry}:
                    assert entries[entry].state == "committed"
                    assert entries[entry].usd == "0.007"
                case {"verdict": trial}:
                    assert store.verdict(trial) is not None
                    assert len(store.steps(trial)) == 3
                case {"context": context}:
                    assert context in contexts
                case {"exchanges": count}:
                    del count  # checked per file
                case _:
                    pytest.fail(f"what is {fact}?")
        closed = [row for row in entries.values() if row.state == "committed"]
        still_open = [row for row in entries.values() if row.state == "open"]
        assert store.book(RUN).totals() == (
            7 * len(closed),
            Decimal("0.007") * len(closed),
            10 * len(still_open),
            Decimal("0.01") * len(still_open),
            False,
        )


def kill_over_and_over(database: Path, rounds: int, seed: int) -> int:
    draw = random.Random(seed)
    with Store.open(database) as store:
        store.add_run(RunRow(RUN))
    facts: list[dict[str, Any]] = []
    for number in range(rounds):
        names = [f"w{number}a", f"w{number}b"]
        writers = [start(database, name) for name in names]
        for writer in writers:  # both are under way before the dice fall
            assert writer.stdout
            facts.append(json.loads(writer.stdout.readline()))
        for writer in draw.sample(writers, 2):
            time.sleep(draw.uniform(0.001, 0.12))
            writer.kill()
        for name, writer in zip(names, writers, strict=True):
            said = acknowledged(writer)
            facts += said
            exchanges = max((fact.get("exchanges", 0) for fact in said), default=0)
            with Traffic.open(database.with_name(f"traffic-{name}.db")) as traffic:
                assert traffic.count() >= exchanges
                assert traffic.count() % 2 == 0  # a batch is whole or absent
        check_invariants(database)
    check_everything_is_there(database, facts)
    return len(facts)


def test_killed_writers_lose_nothing_they_acknowledged(path: Path) -> None:
    assert kill_over_and_over(path, rounds=6, seed=1) > 6


@pytest.mark.slow
def test_killed_writers_lose_nothing_in_many_rounds(path: Path) -> None:
    assert kill_over_and_over(path, rounds=60, seed=2) > 60


def test_a_killed_engines_reservations_can_be_forfeited(path: Path) -> None:
    with Store.open(path) as store:
        store.add_run(RunRow(RUN))
    code = (
        "import os, signal, sys; from decimal import Decimal; from pathlib import Path\n"
        "from factory_tui.store import Store\n"
        "book = Store.open(Path(sys.argv[1])).book(sys.argv[2])\n"
        "book.open(role='r', model='m', key='k', tokens=11, usd=Decimal('0.5'))\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    died = subprocess.run([sys.executable, "-c", code, str(path), RUN], check=False)
    assert died.returncode == -9
    with Store.open(path) as store:
        book = store.book(RUN)
        assert book.totals() == (0, Decimal(0), 11, Decimal("0.5"), False)
        assert book.forfeit_open() == 1
        assert book.totals() == (11, Decimal("0.5"), 0, Decimal(0), False)


def test_two_writers_and_a_reader_at_once(path: Path) -> None:
    """Two processes write as fast as they can; a reader with a cursor sees every event once."""
    with Store.open(path) as store:
        store.add_run(RunRow(RUN))
        writers = [start(path, name) for name in ("one", "two")]
        seen: dict[str, list[int]] = {"one": [], "two": []}
        cursor, asked = 0, 0
        while min(map(len, seen.values())) < 40:
            if store.changed():
                for event in store.events(after=cursor, limit=7):
                    seen[event.data["by"]].append(event.data["n"])
                    cursor = event.seq
                if asked < 5:
                    store.request(RUN, "budget", {"tokens": asked})
                    asked += 1
            assert all(writer.poll() is None for writer in writers)
        for writer in writers:
            writer.kill()
        facts = [fact for writer in writers for fact in acknowledged(writer)]
        while page := store.events(after=cursor):
            for event in page:
                seen[event.data["by"]].append(event.data["n"])
                cursor = event.seq
        for numbers in seen.values():
            assert numbers == list(range(len(numbers)))
        assert [dict(control.args) for control in store.pending(RUN)] == [
            {"tokens": n} for n in range(5)
        ]
    check_invariants(path)
    check_everything_is_there(path, facts)
