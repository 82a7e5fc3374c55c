"""Where tests keep their files: a folder that the sandbox's user can reach all the time.

pytest's own is closed to other users again whenever another pytest of the same user starts.
"""

import shutil
import tempfile
from pathlib import Path

import pytest

_MADE = pytest.StashKey[Path]()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    if config.option.basetemp is None and not hasattr(config, "workerinput"):
        base = Path(tempfile.mkdtemp(prefix="factory-tui-tests-", dir="/var/tmp"))
        base.chmod(0o755)
        config.stash[_MADE] = base
        config.option.basetemp = str(base / "files")


def pytest_unconfigure(config: pytest.Config) -> None:
    if (base := config.stash.get(_MADE, None)) is not None:
        shutil.rmtree(base, ignore_errors=True)
