from collections.abc import Iterator
from pathlib import Path

import pytest

from factory_tui.store import RunRow, Store

RUN = "a1b2c3"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs" / "factory.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    """A store with one run."""
    with Store.open(path) as opened:
        opened.add_run(RunRow(RUN, name="rollcall", created_ms=1_000))
        yield opened


@pytest.fixture
def viewer(store: Store) -> Iterator[Store]:
    """A second, independent opening of the same store."""
    with Store.open(store.path, create=False) as opened:
        yield opened
