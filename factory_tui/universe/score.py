"""How much of a service its twin covers, and how far it agrees with recordings of it."""

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson

from factory_tui.universe.pack import Pack
from factory_tui.universe.record import Recorded, read_recording
from factory_tui.universe.replay import Agreement, replay
from factory_tui.universe.universe import Universe

__all__ = ["Coverage", "agreement", "coverage", "recordings"]


@dataclass(frozen=True, slots=True)
class Coverage:
    """Operations of one pack: what the vendor describes, and what of it the twin does.

    Attributes:
        driven: Implemented ones that a real client called in the pack's tests and got an answer
            from; ``None``: nobody measured it.
        agreeing: Those whose answers all agreed with recordings, samples or the description.
        refusing: Those that refused something wrong in the pack's tests.
    """

    twin: str
    implemented: tuple[str, ...]
    gaps: tuple[str, ...]
    driven: tuple[str, ...] | None = None
    agreeing: tuple[str, ...] | None = None
    refusing: tuple[str, ...] | None = None

    @property
    def described(self) -> int:
        """How many operations the vendor describes."""
        return len(self.implemented) + len(self.gaps)


def coverage(pack: Pack) -> Coverage:
    """What a pack covers, and how that was proven.

    The proofs are in the pack's ``evidence.json``, which its coverage table writes:
    ``{"driven": [...], "agreeing": [...], "refusing": [...]}``, names of operations.
    """
    known = pack.coverage()
    done = tuple(name for name, implemented in known.items() if implemented)
    gaps = tuple(name for name, implemented in known.items() if not implemented)
    path = Path(inspect.getfile(type(pack))).with_name("evidence.json")
    if not path.exists():
        return Coverage(pack.name, done, gaps)
    proofs = orjson.loads(path.read_bytes())
    named = [
        tuple(name for name in done if name in set(proofs[key]))
        for key in ("driven", "agreeing", "refusing")
    ]
    return Coverage(pack.name, done, gaps, *named)


def recordings(paths: Iterable[Path], twin: str = "") -> list[tuple[Path, list[Recorded]]]:
    """Read recordings: files, and below folders every ``.jsonl``, ``.yaml`` and ``.yml``.

    Args:
        paths: Files and folders.
        twin: Whose the cassettes are; a folder or file named like a twin says so itself.

    Raises :class:`RecordingError`.
    """
    found = []
    for path in paths:
        files = [path]
        if path.is_dir():
            files = sorted(
                file for file in path.rglob("*") if file.suffix in (".jsonl", ".yaml", ".yml")
            )
        found += [(file, read_recording(file, twin)) for file in files]
    return found


def agreement(
    packs: Mapping[str, Pack], files: Iterable[tuple[Path, list[Recorded]]], seed: str = "acme-12"
) -> dict[str, Agreement]:
    """Replay each file against a fresh universe; the sums by twin."""
    sums: dict[str, Agreement] = {}
    for _, rows in files:
        for twin in sorted({row.twin for row in rows} & set(packs)):
            universe = Universe({twin: packs[twin]}, {twin: seed})
            mine = [row for row in rows if row.twin == twin]
            sums.setdefault(twin, Agreement()).add(replay(universe, mine))
    return sums
