from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from factory_tui.universe import Pack, Request, Response, Universe, load_packs

AUTH = {"authorization": "Bearer t0p"}
Ask = Callable[..., Response]


@pytest.fixture(scope="session")
def packs_folder() -> Path:
    return Path(__file__).with_name("packs")


@pytest.fixture(scope="session")
def packs(packs_folder: Path) -> dict[str, Pack]:
    return load_packs(packs_folder, ["notes"])


@pytest.fixture
def make(packs: dict[str, Pack]) -> Callable[..., Universe]:
    """A universe of the test pack, with frozen rows."""

    def build(**settings: Any) -> Universe:
        return Universe(packs, **{"debug": True, **settings})

    return build


@pytest.fixture
def ask() -> Ask:
    """Send one authorised request: ``ask(universe, "GET /notes")``."""

    def send(universe: Universe, line: str, headers: dict[str, str] | None = None) -> Response:
        method, target = line.split(" ", 1)
        return universe.handle("notes", Request.build(method, target, AUTH | (headers or {})))

    return send
