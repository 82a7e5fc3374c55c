"""What scenarios may name is what the packs have."""

from factory_tui.scenarios.facts import VIEWS
from factory_tui.scenarios.operations import OPERATIONS
from factory_tui.universe import Universe, load_packs
from tests.trials.conftest import ROOT

PACKS = load_packs(ROOT / "twins", list(OPERATIONS))


def test_every_operation_of_the_packs_can_be_written_and_no_other() -> None:
    offered = {name: set(pack.ops) for name, pack in PACKS.items()}
    assert offered == {name: set(takes) for name, takes in OPERATIONS.items()}


def test_facts_can_speak_of_everything_the_packs_show() -> None:
    universe = Universe(PACKS)
    for name in PACKS:
        shown = universe.view(name)
        assert set(shown) <= set(VIEWS[name])
        for collection, rows in shown.items():
            for row in rows:
                assert set(row) == VIEWS[name][collection], collection
