"""What the tests of a pack prove of its operations, for ``factory-tui twins score``."""

from collections.abc import Iterable
from pathlib import Path

import orjson

__all__ = ["write_evidence"]

TWINS = Path(__file__).parents[2] / "twins"


def write_evidence(
    pack: str, *, driven: Iterable[str], agreeing: Iterable[str], refusing: Iterable[str]
) -> None:
    """Write ``twins/PACK/evidence.json``.

    Args:
        pack: Its name.
        driven: Operations that a real client called and got an answer from.
        agreeing: Operations all of whose answers agreed with what they were held against.
        refusing: Operations that refused something wrong.
    """
    found = {
        "driven": sorted(driven),
        "agreeing": sorted(agreeing),
        "refusing": sorted(refusing),
    }
    data = orjson.dumps(found, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    (TWINS / pack / "evidence.json").write_bytes(data)
