"""A supervisor that is killed takes its boxes along, and never lets one start by dying."""

import asyncio
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from factory_tui.sandbox import cleanup_leftovers, prepare_tree
from factory_tui.sandbox.broker import cgroups, proc

from .test_sandbox_run import gone, until


@pytest.fixture
def work(ground: Path) -> Path:
    folder = ground / "work"
    folder.mkdir()
    prepare_tree(folder)
    return folder


async def supervise(mode: str, work: Path, event: str) -> subprocess.Popen[bytes]:
    """Start a supervisor and wait until it has come to ``event``."""
    script = Path(__file__).parent / "supervisor.py"
    process = subprocess.Popen([sys.executable, str(script), mode, str(work)])
    try:
        await until(work / event)
    except BaseException:
        process.kill()
        process.wait()
        raise
    return process


def groups(owner: int) -> list[Path]:
    """Control groups that a broker made."""
    parents = cgroups.find().parents.values()
    return [path for parent in parents for path in parent.glob(f"{cgroups.PREFIX}{owner}-*")]


async def nothing_left(work: Path) -> None:
    broker = int((work / "broker").read_text())
    assert await gone(f"mark-{work.parent.name}")
    for _ in range(1000):
        if proc.started(broker) is None and not groups(broker):
            return
        await asyncio.sleep(0.02)
    raise AssertionError("a broker or a control group is left")


async def test_killed_while_a_command_runs(work: Path) -> None:
    process = await supervise("running", work, "beat")
    process.kill()
    process.wait()
    await nothing_left(work)
    beats = (work / "beat").stat().st_size
    await asyncio.sleep(0.2)
    assert (work / "beat").stat().st_size == beats


async def test_killed_with_its_broker_while_a_command_runs(work: Path) -> None:
    process = await supervise("running", work, "beat")
    broker = int((work / "broker").read_text())
    os.kill(broker, signal.SIGKILL)
    process.kill()
    process.wait()
    assert await gone(f"mark-{work.parent.name}")
    await asyncio.to_thread(cleanup_leftovers)
    assert not groups(broker)


@pytest.mark.parametrize("both", [False, True], ids=["supervisor", "supervisor and broker"])
async def test_killed_when_everything_is_ready_but_the_start(work: Path, both: bool) -> None:
    process = await supervise("setup", work, "door")
    if both:
        os.kill(int((work / "broker").read_text()), signal.SIGKILL)
    process.kill()
    process.wait()
    assert await gone(f"mark-{work.parent.name}")
    assert not (work / "beat").exists()


@pytest.mark.parametrize("attempt", range(6))
@pytest.mark.parametrize("both", [False, True], ids=["supervisor", "supervisor and broker"])
@pytest.mark.slow
async def test_killed_somewhere_during_setup(work: Path, attempt: int, both: bool) -> None:
    process = await supervise("setup", work, "begin")
    await asyncio.sleep(random.Random(attempt).uniform(0, 0.04))
    if both:
        os.kill(int((work / "broker").read_text()), signal.SIGKILL)
    process.kill()
    process.wait()
    assert await gone(f"mark-{work.parent.name}")
    assert not (work / "beat").exists()


async def test_ended_by_a_signal_it_can_hear(work: Path) -> None:
    process = await supervise("running", work, "beat")
    process.send_signal(signal.SIGINT)
    process.wait()
    await nothing_left(work)


async def test_groups_of_dead_brokers_are_removed_and_those_of_live_ones_kept() -> None:
    home = cgroups.find()
    if not home.parents:
        pytest.skip("no control group can be written here")
    dead = subprocess.Popen(["/bin/true"])
    dead.wait()
    me = os.getpid()
    names = [f"{cgroups.PREFIX}{dead.pid}-1-1", f"{cgroups.PREFIX}{me}-{proc.started(me)}-9999"]
    left, live = (home.create(name, memory_mb=64, pids=10) for name in names)
    sleeper = subprocess.Popen(["/usr/bin/sleep", "600"])
    left.add(sleeper.pid)
    try:
        assert await asyncio.to_thread(cleanup_leftovers) >= 1
        assert sleeper.wait(20) == -signal.SIGKILL
        assert not any(path.exists() for path in left.directories.values())
        assert live.directories
        assert all(path.exists() for path in live.directories.values())
    finally:
        live.remove()
        sleeper.kill()
        sleeper.wait()
