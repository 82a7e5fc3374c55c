from pathlib import Path

import pytest

from tests.agent.fakes import LocalEnvironment


@pytest.fixture
def environment(tmp_path: Path) -> LocalEnvironment:
    (tmp_path / "work").mkdir()
    return LocalEnvironment(tmp_path / "work")
