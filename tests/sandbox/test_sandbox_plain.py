"""The runner of machines without a box: same interface, marked as what it is."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from factory_tui.sandbox import Door, Limits, Sandbox, prepare_tree, unsandboxed

from .attacks import ASK, HOARD, saying
from .conftest import Lab
from .test_sandbox_run import gone, until


@pytest.fixture
async def plain(ground: Path) -> AsyncIterator[Lab]:
    app, work = ground / "app", ground / "work"
    for folder in (app, work):
        folder.mkdir()
    (app / "hello").write_text("#!/bin/sh\necho hello from $0 in $PWD with $HOME\n")
    (app / "hello").chmod(0o755)
    prepare_tree(app)
    prepare_tree(work)
    async with Sandbox(unsandboxed(), unsandboxed=True) as sandbox:
        yield Lab(sandbox, ground, app, work)


async def test_the_boxs_paths_mean_the_hosts(plain: Lab) -> None:
    done = await plain.sandbox.run(["/app/hello"], plain.box())
    assert done.stdout == "hello from /app/hello in /work with /tmp\n"
    script = "/app/hello > /work/out; cd /work && cat ./out /work/in; echo $LIST $XAPP"
    (plain.work / "in").write_text("input\n")
    env = {"LIST": "/app/x:/usr/bin:/work", "XAPP": "/application /my/app"}
    done = await plain.sandbox.run(["sh", "-c", script], plain.box(env=env))
    assert (plain.work / "out").exists()
    assert done.stdout.splitlines()[-2:] == ["input", f"{env['LIST']} {env['XAPP']}"]


async def test_doors_are_free_ports_of_the_host_told_before_the_start(plain: Lab) -> None:
    async def one(number: int) -> str:
        box = plain.box(
            env=lambda ports: {"PORT": str(ports["twin"])},
            doors=(Door("twin", 7002, saying(f"twin {number}")),),
        )
        ask = ASK.replace("sys.argv[1]", "__import__('os').environ['PORT']")
        done = await plain.sandbox.run(["/usr/bin/python3", "-c", ask], box)
        assert done.exit_code == 0, done
        return done.stdout

    said = await asyncio.gather(*map(one, range(10)))
    assert said == [f"twin {number}\n" for number in range(10)]


async def test_nothing_of_our_environment_or_rights_is_passed_on(
    plain: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-canary")
    done = await plain.sandbox.run(["sh", "-c", "env; id -u; ulimit -c"], plain.box())
    assert "sk-canary" not in done.stdout
    user, core = done.stdout.splitlines()[-2:]
    assert user == str(os.geteuid() or 64001)
    assert core == "0"


async def test_limits_that_need_no_box_hold(plain: Lab) -> None:
    deaf = "trap '' TERM; (trap '' TERM; sleep 65) & sleep 65; sleep 65"
    limits = Limits(wall_s=0.5, grace_s=0.1)
    done = await plain.sandbox.run(["sh", "-c", deaf, "mark-plain"], plain.box(limits=limits))
    assert (done.killed, done.exit_code) == ("wall", None)
    assert await gone("mark-plain")
    limits = Limits(output_bytes=1 << 16)
    done = await plain.sandbox.run(["yes"], plain.box(limits=limits))
    assert (done.killed, len(done.stdout)) == ("output", 1 << 16)
    done = await plain.python(HOARD, "mark-hoard", limits=Limits(memory_mb=128))
    assert done.killed == "memory"
    assert await gone("mark-hoard")


async def test_what_leaves_its_session_is_still_ended(plain: Lab) -> None:
    daemon = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for descriptor in (0, 1, 2):
            os.close(descriptor)
        open(sys.argv[2], "w").close()
        time.sleep(600)
    os._exit(0)
while not os.path.exists(sys.argv[2]):
    time.sleep(0.01)
"""
    done = await plain.python(daemon, "mark-stray", "/work/up")
    assert done.exit_code == 0, done
    await until(plain.work / "up")
    assert await gone("mark-stray")


async def test_exit_codes_and_cancelling(plain: Lab) -> None:
    assert (await plain.sandbox.run(["sh", "-c", "exit 7"], plain.box())).exit_code == 7
    assert (await plain.sandbox.run(["sh", "-c", "kill -9 $$"], plain.box())).exit_code == 137
    stop = asyncio.Event()
    box = plain.box(limits=Limits(grace_s=0.1))
    command = ["sh", "-c", "touch /work/up; sleep 66", "mark-stop"]
    task = asyncio.create_task(plain.sandbox.run(command, box, stop=stop))
    await until(plain.work / "up")
    stop.set()
    assert (await task).killed == "cancelled"
    assert await gone("mark-stop")
