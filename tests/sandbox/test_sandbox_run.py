"""What a command in a box can do, and how its end is reported."""

import asyncio
import os
import signal
import socket
from pathlib import Path

import pytest

from factory_tui.sandbox import (
    Box,
    Closable,
    Door,
    Limits,
    Mount,
    Sandbox,
    SandboxFault,
    SandboxUnavailable,
    unsandboxed,
)
from factory_tui.sandbox.broker import cgroups, proc

from .attacks import ASK, saying
from .conftest import Lab


async def alive(mark: str) -> list[int]:
    """Host processes whose command line holds ``mark``."""
    found = []
    for pid in proc.pids():
        try:
            line = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        if mark.encode() in line and pid != os.getpid():
            found.append(pid)
    return found


async def gone(mark: str) -> bool:
    for _ in range(500):
        if not await alive(mark):
            return True
        await asyncio.sleep(0.02)
    return False


async def until(path: Path) -> None:
    for _ in range(1500):
        if path.exists():
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"{path} never appeared")


async def test_runs_the_product_with_its_input_and_its_own_environment(lab: Lab) -> None:
    done = await lab.sandbox.run(["/app/hello"], lab.box())
    assert (done.exit_code, done.killed, done.stdout) == (0, None, "hello from the product\n")
    done = await lab.sandbox.run(
        ["sh", "-c", "cat; env; pwd"], lab.box(env={"A": "ä b"}), stdin=b"x\n\ny"
    )
    assert done.stdout.startswith("x\n\ny")
    lines = done.stdout.removeprefix("x\n\ny").splitlines()
    assert lines[-1] == "/work"
    assert set(lines[:-1]) == {
        "A=ä b",
        "HOME=/tmp",
        "PATH=/usr/bin:/bin",
        "LANG=C.UTF-8",
        "PWD=/work",
    }


async def test_large_input_arrives_whole_and_an_unread_one_does_not_block(lab: Lab) -> None:
    data = os.urandom(1 << 20)
    count = "import sys; print(len(sys.stdin.buffer.read()))"
    assert (await lab.python(count, stdin=data)).stdout == f"{1 << 20}\n"
    assert (await lab.python("print('done')", stdin=data)).stdout == "done\n"


async def test_work_is_writable_and_the_product_is_not(lab: Lab) -> None:
    assert (await lab.python("open('/work/note', 'w').write('kept')")).exit_code == 0
    assert (lab.work / "note").read_text() == "kept"
    done = await lab.python("open('/app/hello', 'a')")
    assert done.exit_code == 1
    assert "Read-only file system" in done.stderr


@pytest.mark.parametrize(
    ("script", "code"),
    [("exit 7", 7), ("kill -9 $$", 137), ("kill -TERM $$", 143), ("exec /nope", 127)],
)
async def test_exit_codes_are_a_shells(lab: Lab, script: str, code: int) -> None:
    done = await lab.sandbox.run(["sh", "-c", script], lab.box())
    assert (done.exit_code, done.killed) == (code, None)


async def test_output_is_cleaned(lab: Lab) -> None:
    done = await lab.sandbox.run(["printf", r"a\033]52;c;aGk=\007b\302\2331mc\r\nd\377"], lab.box())
    assert done.stdout == "abc\nd\ufffd"


async def test_a_pipe_closed_by_its_reader_ends_the_writer_quietly(lab: Lab) -> None:
    done = await lab.sandbox.run(["sh", "-c", "yes | head -n 1"], lab.box())
    assert (done.exit_code, done.stdout, done.stderr) == (0, "y\n", "")


async def test_doors_are_served_from_outside(lab: Lab) -> None:
    doors = (Door("slack", 7002, saying("slack")), Door("jira", 7003, saying("jira")))
    assert (await lab.attempt(ASK, 7002, doors=doors)) == "slack\n"
    assert (await lab.attempt(ASK, 7003, doors=doors)) == "jira\n"
    assert (await lab.python(ASK, 7001, doors=doors)).exit_code == 1


async def test_environment_may_depend_on_the_ports(lab: Lab) -> None:
    box = lab.box(
        env=lambda ports: {"SLACK_URL": f"http://127.0.0.1:{ports['slack']}/api/"},
        doors=(Door("slack", 7002, saying("")),),
    )
    done = await lab.sandbox.run(["printenv", "SLACK_URL"], box)
    assert done.stdout == "http://127.0.0.1:7002/api/\n"


async def test_forty_boxes_at_once_each_behind_its_own_door(lab: Lab) -> None:
    async def one(number: int) -> str:
        return await lab.attempt(ASK, 7002, doors=(Door("twin", 7002, saying(f"twin {number}")),))

    said = await asyncio.gather(*(one(number) for number in range(40)))
    assert said == [f"twin {number}\n" for number in range(40)]


async def test_a_door_that_cannot_be_served_fails_the_run_and_leaves_nothing(lab: Lab) -> None:
    async def refuse(listener: socket.socket) -> Closable:
        raise RuntimeError("no twin today")

    with pytest.raises(RuntimeError, match="no twin today"):
        await lab.python("open('/work/ran', 'w')", "mark-door", doors=(Door("x", 7001, refuse),))
    assert await gone("mark-door")
    assert not (lab.work / "ran").exists()


async def test_time_is_up_asks_first_and_kills_then(lab: Lab) -> None:
    polite = """
import signal, sys, time
def leave(number, frame):
    open("/work/told", "w").close()
    sys.exit(0)
signal.signal(signal.SIGTERM, leave)
print("started", flush=True)
time.sleep(60)
"""
    done = await lab.python(polite, limits=Limits(wall_s=1, grace_s=10))
    assert (done.exit_code, done.killed, done.stdout) == (None, "wall", "started\n")
    assert (lab.work / "told").exists()
    deaf = "trap '' TERM; (trap '' TERM; sleep 61) & sleep 61; sleep 61"
    box = lab.box(limits=Limits(wall_s=0.5, grace_s=0.2))
    done = await lab.sandbox.run(["sh", "-c", deaf, "mark-deaf"], box)
    assert (done.exit_code, done.killed) == (None, "wall")
    assert await gone("mark-deaf")


async def test_output_beyond_the_cap_ends_the_command(lab: Lab) -> None:
    box = lab.box(limits=Limits(output_bytes=1 << 20))
    done = await lab.sandbox.run(["sh", "-c", "echo begin; yes mark-output"], box)
    assert (done.exit_code, done.killed, done.truncated) == (None, "output", True)
    assert done.stdout.startswith("begin\n")
    assert len(done.stdout) + len(done.stderr) == 1 << 20
    assert await gone("mark-output")
    exact = await lab.python("print('x' * 99)", limits=Limits(output_bytes=100))
    assert (exact.exit_code, exact.truncated, len(exact.stdout)) == (0, False, 100)


async def test_cancelling_the_caller_ends_the_command(lab: Lab) -> None:
    script = "touch /work/up; trap '' TERM; sleep 62; sleep 62"
    box = lab.box(limits=Limits(grace_s=0.1))
    task = asyncio.create_task(lab.sandbox.run(["sh", "-c", script, "mark-cancel"], box))
    await until(lab.work / "up")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await gone("mark-cancel")


async def test_cancelling_during_setup_starts_nothing(lab: Lab) -> None:
    waiting = asyncio.Event()

    async def never(listener: socket.socket) -> Closable:
        waiting.set()
        await asyncio.Event().wait()
        raise AssertionError

    run = lab.python("open('/work/ran', 'w')", "mark-setup", doors=(Door("x", 7001, never),))
    task = asyncio.create_task(run)
    await waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await gone("mark-setup")
    assert not (lab.work / "ran").exists()


async def test_a_stop_event_or_closing_the_sandbox_cancels(lab: Lab) -> None:
    stop = asyncio.Event()
    box = lab.box(limits=Limits(grace_s=0.1))
    first = asyncio.create_task(
        lab.sandbox.run(["sh", "-c", "touch /work/a; sleep 63"], box, stop=stop)
    )
    second = asyncio.create_task(lab.sandbox.run(["sh", "-c", "touch /work/b; sleep 63"], box))
    await until(lab.work / "a")
    stop.set()
    assert (await first).killed == "cancelled"
    await until(lab.work / "b")
    await lab.sandbox.close()
    assert (await second).killed == "cancelled"
    with pytest.raises(SandboxFault, match="closed"):
        await lab.sandbox.run(["true"], lab.box())


async def test_a_dead_broker_is_reported_and_replaced(lab: Lab) -> None:
    run = lab.sandbox.run(["sh", "-c", "touch /work/up; sleep 64", "mark-broker"], lab.box())
    task = asyncio.create_task(run)
    await until(lab.work / "up")
    old = lab.sandbox.broker_pid
    os.kill(old, signal.SIGKILL)
    with pytest.raises(SandboxFault, match="broker died"):
        await task
    assert await gone("mark-broker")
    assert (await lab.sandbox.run(["true"], lab.box())).exit_code == 0
    assert lab.sandbox.broker_pid not in (0, old)
    parents = cgroups.find().parents.values()
    assert not any(path for parent in parents for path in parent.glob(f"{cgroups.PREFIX}{old}-*"))


async def test_what_cannot_be_a_box_is_refused(lab: Lab) -> None:
    with pytest.raises(ValueError, match="at least one word"):
        await lab.sandbox.run([], lab.box())
    with pytest.raises(ValueError, match="cannot be mounted over"):
        await lab.sandbox.run(["true"], Box(mounts=(Mount(lab.app, "/usr"),)))
    with pytest.raises(ValueError, match="cannot be mounted over"):
        await lab.sandbox.run(["true"], Box(mounts=(Mount(lab.app, "/app/../usr"),)))
    with pytest.raises(FileNotFoundError, match="nothing to mount"):
        await lab.sandbox.run(["true"], Box(mounts=(Mount(lab.ground / "absent", "/app"),)))


async def test_a_failure_of_the_box_is_not_taken_for_the_commands(lab: Lab) -> None:
    with pytest.raises(SandboxFault, match="chdir"):
        await lab.sandbox.run(["true"], lab.box(cwd="/nowhere"))
    done = await lab.sandbox.run(
        ["sh", "-c", "echo 'bwrap: Can'\\''t chdir' >&2; exit 1"], lab.box()
    )
    assert done.exit_code == 1


async def test_a_command_line_may_be_long(lab: Lab) -> None:
    words = ["x" * 100_000] * 10
    done = await lab.python("import sys; print(sum(map(len, sys.argv)))", *words)
    assert done.stdout.strip() == str(1_000_000 + len("-c"))
    with pytest.raises(SandboxFault, match="too long"):
        await lab.python("pass", "x" * 200_000)


async def test_without_a_box_nothing_runs_unless_asked() -> None:
    with pytest.raises(SandboxUnavailable, match="install"):
        Sandbox(unsandboxed("bubblewrap is not installed; install it: apt install bubblewrap."))
