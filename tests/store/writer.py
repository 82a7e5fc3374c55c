"""A program that writes into a store and prints what was acknowledged; made to be killed.

``python -m writer DATABASE RUN NAME`` (see ``test_crash.py``). Each line is one JSON object that
is printed only after the store has returned.
"""

import itertools
import json
import os
import sys
from decimal import Decimal
from pathlib import Path

from factory_tui.store import ExchangeRow, StepRow, Store, Traffic, TrialRow, VerdictRow


def acknowledge(**fact: object) -> None:
    os.write(1, json.dumps(fact).encode() + b"\n")


def main(database: str, run: str, name: str) -> None:
    store = Store.open(Path(database), create=False)
    traffic = Traffic.open(Path(database).with_name(f"traffic-{name}.db"))
    book = store.book(run)
    context = store.new_context(tag=name, run_id=run)
    acknowledge(context=context)
    for n in itertools.count():
        event = store.append(run, "note", {"by": name, "n": n})
        acknowledge(seq=event.seq, by=name, n=n)
        turn = store.append_turn(
            context,
            {"by": name, "n": n, "text": "x" * (n % 3_000)},
            type_id="n",
            idempotency_key=str(n),
        )
        acknowledge(turn=turn.id, by=name, n=n)
        entry = book.open(role="r", model="m", key=f"{name}/{n}", tokens=10, usd=Decimal("0.01"))
        acknowledge(opened=entry)
        book.close(entry, state="committed", tokens=7, usd=Decimal("0.007"), usage={"n": n})
        acknowledge(closed=entry)
        trial = f"{name}-{n}"
        store.save_trial(TrialRow(trial, run, 1, "s", n))
        store.save_steps(trial, [StepRow(trial, at, "run") for at in range(3)])
        store.save_verdict(VerdictRow(trial, "satisfied", True))
        acknowledge(verdict=trial)
        store.set_live(run, name, str(n))
        traffic.add([ExchangeRow(n=n, request_body="b" * 300), ExchangeRow(n=n)])
        acknowledge(exchanges=2 * n + 2)
        if n % 7 == 0:
            context = store.fork(turn.id, tag=name)


if __name__ == "__main__":
    main(*sys.argv[1:])
