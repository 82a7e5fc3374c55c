"""Named seeds: the frozen rows that universes stand on, built once and shared."""

from collections import OrderedDict
from typing import Any, Final

from factory_tui.universe.ids import Ids
from factory_tui.universe.pack import Pack, Seed
from factory_tui.universe.people import ORGS, Org, org
from factory_tui.universe.tables import Base

__all__ = ["seeded"]

_CACHED: Final = 32
_seeds: OrderedDict[tuple[Any, ...], tuple[Org, dict[str, Base]]] = OrderedDict()


def seeded(
    pack: Pack, name: str, seed: int, vary: frozenset[str], debug: bool
) -> tuple[Org, dict[str, Base]]:
    """The frozen rows of a named seed; universes that vary nothing of it share one copy.

    Raises ``ValueError`` for a seed that neither the pack nor the organisations know.
    """
    draw = Ids(f"{seed}/seed")
    names = 1 + draw.below("names", 1 << 30) if "names" in vary else 0
    ids = str(seed) if "ids" in vary else ""
    turn = draw.below("order", 1 << 30) if "order" in vary else 0
    key = (pack, name, names, ids, turn, debug)
    found = _seeds.get(key)
    if found is not None:
        _seeds.move_to_end(key)
        return found
    if name not in ORGS and name not in pack.seeds:
        known = ", ".join([*ORGS, *pack.seeds])
        raise ValueError(f'{pack.name} has no seed "{name}"; there are {known}')
    organisation = org(name if name in ORGS else "empty", names).rotated(turn)
    rows = pack.seed(Seed(name, organisation, Ids(f"seed/{pack.name}/{ids}")))
    bases = {
        table: Base(rows.get(table, {}), functions, debug=debug)
        for table, functions in pack.tables.items()
    }
    _seeds[key] = organisation, bases
    while len(_seeds) > _CACHED:
        _seeds.popitem(last=False)
    return organisation, bases
