import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from factory_tui.sandbox import Box, Completed, Limits, Mount, Sandbox, prepare_tree, probe

PYTHON = ["/usr/bin/python3", "-I", "-S", "-c"]
_tier = None


@dataclass
class Lab:
    """A sandbox, a place on the host around it, and the usual box."""

    sandbox: Sandbox
    ground: Path
    app: Path
    work: Path

    def box(self, **changes: Any) -> Box:
        settings: dict[str, Any] = {
            "mounts": (Mount(self.app, "/app"), Mount(self.work, "/work", writable=True)),
            "limits": Limits(wall_s=20),
        }
        return Box(**(settings | changes))

    async def python(self, code: str, *words: object, stdin: bytes = b"", **box: Any) -> Completed:
        command = [*PYTHON, code, *map(str, words)]
        return await self.sandbox.run(command, self.box(**box), stdin=stdin)

    async def attempt(self, code: str, *words: object, **box: Any) -> str:
        """Run an attack that prints what came of it."""
        done = await self.python(code, *words, **box)
        assert done.exit_code == 0, done
        return done.stdout


@pytest.fixture
def ground() -> Iterator[Path]:
    """A directory that the sandbox's user can reach, unlike pytest's own below a 0700 one."""
    path = Path(tempfile.mkdtemp(prefix="factory-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
async def lab(ground: Path) -> AsyncIterator[Lab]:
    global _tier
    if _tier is None:
        _tier = await probe()
    assert _tier.letter == "A", f"these tests need a full sandbox: {_tier.detail}"
    app, work = ground / "app", ground / "work"
    for folder in (app, work):
        folder.mkdir()
    (app / "hello").write_text("#!/bin/sh\necho hello from the product\n")
    (app / "hello").chmod(0o755)
    prepare_tree(app)
    prepare_tree(work)
    async with Sandbox(_tier) as sandbox:
        yield Lab(sandbox, ground, app, work)


@pytest.fixture
def as_root() -> None:
    if os.geteuid() != 0:
        pytest.skip("concerns a supervisor that is root")
