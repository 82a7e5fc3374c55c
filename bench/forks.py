"""What one more universe costs: the time and memory of a fork of three twins, beside its seeding.

The seeds are of 12 and of 5,000 people: a fork copies neither.
"""

from __future__ import annotations

import time
import tracemalloc
from pathlib import Path

from factory_tui.universe import Universe, load_packs

TWINS = Path(__file__).resolve().parents[1] / "twins"
NAMES = ("okta", "slack", "jira")
FORKS = 2000


def measure(org: str) -> tuple[float, float, float]:
    """Seconds of seeding, seconds and bytes per fork."""
    packs = load_packs(TWINS, NAMES)
    started = time.process_time()
    universe = Universe(packs, dict.fromkeys(NAMES, org))
    seeding = time.process_time() - started
    best = float("inf")
    for _ in range(5):
        started = time.process_time()
        kept = [universe.fork() for _ in range(FORKS)]
        best = min(best, time.process_time() - started)
        del kept
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    kept = [universe.fork() for _ in range(FORKS)]
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return seeding, best / len(kept), (after - before) / len(kept)


def main() -> None:
    print(f"{'three twins':12}{'seeding':>12}{'a fork':>12}{'memory of it':>16}")
    for org in ("acme-12", "acme-5000"):
        seeding, fork, size = measure(org)
        print(f"{org:12}{seeding * 1e3:>9.1f} ms{fork * 1e6:>9.1f} µs{size / 1024:>12.1f} KiB")


if __name__ == "__main__":
    main()
