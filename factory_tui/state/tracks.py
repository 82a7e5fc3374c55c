"""Tracks in a channel: edges that run beside one another without sharing a piece of line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = ["Run", "assign", "pieces"]


@dataclass(slots=True, eq=False)
class Run:
    """A piece of an edge in a channel, from cross position ``start`` to ``end`` on a track."""

    number: int
    start: int
    end: int
    track: int = -1
    after: list[Run] = field(default_factory=list)
    """Runs that must be on earlier tracks."""
    rest: Run | None = None
    """What follows where the run had to be split."""


def pieces(run: Run) -> list[Run]:
    """A run, or the two that it was split into, in order."""
    return [run, *(pieces(run.rest) if run.rest is not None else [])]


def assign(channel: list[Run]) -> int:
    """Give every run that is not straight a track; returns how many tracks there are.

    A run that leaves where another one enters must turn off before that one turns in. Where such
    demands go in a circle, one of the runs changes over to a free position on the way.
    """
    used = {end for run in channel for end in (run.start, run.end)}
    waiting = [run for run in channel if run.start != run.end]
    entering = {run.end: run for run in waiting}
    for run in waiting:
        other = entering.get(run.start)
        if other is not None and other is not run:
            other.after.append(run)
    tracks: list[list[tuple[int, int]]] = []
    while waiting:
        ready = [r for r in waiting if all(before.track >= 0 for before in r.after)]
        if not ready:
            run = waiting[0]
            free = next(x for x in _outward(run.start) if x not in used)
            used.add(free)
            run.rest = Run(run.number, free, run.end, after=[*run.after, run])
            # Whoever waits for this run's way out waits for its first piece only.
            run.end, run.after = free, []
            waiting.append(run.rest)
            continue
        for run in ready:
            low, high = sorted((run.start, run.end))
            track = max((before.track + 1 for before in run.after), default=0)
            while track < len(tracks) and any(low <= b and a <= high for a, b in tracks[track]):
                track += 1
            while track >= len(tracks):
                tracks.append([])
            tracks[track].append((low, high))
            run.track = track
        waiting = [run for run in waiting if run.track < 0]
    return len(tracks)


def _outward(start: int) -> Iterator[int]:
    """Positions near one, nearest first."""
    for distance in range(1, 100_000):
        yield start + distance
        if start > distance:
            yield start - distance
