"""The same walls when the supervisor has no rights: no control groups, other ways into boxes."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from factory_tui.sandbox import reachable

HERE = Path(__file__).parent
SYSTEM_PYTHON = "/usr/bin/python3"


@pytest.fixture
def found(ground: Path, as_root: None) -> dict[str, Any]:
    """What an ordinary user's boxes did; the interpreter must be one that user can reach."""
    version = subprocess.run(
        [SYSTEM_PYTHON, "-c", "import sys; print(sys.version_info >= (3, 11))"],
        capture_output=True,
        text=True,
        check=True,
    )
    if version.stdout.strip() != "True" or not reachable(HERE):
        pytest.skip("needs a system Python 3.11 and a checkout that other users can read")
    home = ground / "home"
    home.mkdir()
    os.chown(home, 12345, 12345)
    done = subprocess.run(
        [SYSTEM_PYTHON, "-B", str(HERE / "unprivileged.py"), str(home)],
        user=12345,
        group=12345,
        extra_groups=[],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(HERE.parent.parent)},
        cwd=home,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    (home / "work" / "note").rename(ground / "note")
    result: dict[str, Any] = json.loads(done.stdout)
    result["note"] = (ground / "note").read_text()
    return result


def test_an_ordinary_user_gets_the_full_box(found: dict[str, Any]) -> None:
    assert found["tier"]["letter"] == "A", found["tier"]
    assert found["door"]["stdout"] == "twin\n"
    assert found["note"] == "kept"
    status = found["rights"]["stdout"]
    assert "CapBnd:\t0000000000000000" in status
    assert "Seccomp:\t2" in status
    # Every box has its own count of processes, though all belong to one user.
    assert [32 <= int(done["stdout"]) <= 40 for done in found["forks"]] == [True] * 3
    # Without a control group: the sum is watched, one process is bounded, the rest is refused.
    assert found["hoard"]["killed"] == "memory"
    assert found["one"]["killed"] == "memory" or "MemoryError" in found["one"]["stderr"]
    assert found["nobodys"]["exit_code"] != 0
    assert "PermissionError" in found["nobodys"]["stderr"] or found["nobodys"]["killed"] == "memory"
