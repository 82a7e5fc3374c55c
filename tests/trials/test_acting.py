"""What a builder can do in its own twins: real host, real boxes, a real bot under development."""

import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from factory_tui.trials import HarnessFault, Host, HostOptions, Pool
from tests.trials.conftest import ROOT
from tests.trials.test_services import BOT

SETUP: list[list[Any]] = [
    [
        "slack",
        "add_users",
        [{"as": "ben", "first": "Ben", "last": "R", "email": "ben@acme.example"}],
    ],
    ["slack", "set_channel", {"name": "general", "members": ["any:everyone:1", "{{ben.email}}"]}],
    [
        "slack",
        "configure_app",
        {
            "url": "http://127.0.0.1:8080/slack/events",
            "events": ["message.channels"],
            "commands": ["/echo"],
        },
    ],
]
LISTENS = (
    "./bot & "
    'until python3 -c \'import os, socket; socket.create_connection(("127.0.0.1", '
    'int(os.environ["PORT"])))\' 2>&-; do sleep 0.1; done; '
)

Shell = Callable[[str], Awaitable[dict[str, Any]]]


async def bench(
    host: Host, folder: Path, setup: list[list[Any]] | None, **more: Any
) -> dict[str, Any]:
    """Lay out a workbench; the workspace is ``folder/work``."""
    (folder / "work").mkdir(exist_ok=True)
    return await host.call(
        "bench",
        bench="b",
        workspace=str(folder / "work"),
        seeds={"slack": "acme-12"},
        seed=5,
        setup=setup,
        tools=str(folder / "tools"),
        **more,
    )


async def run(host: Host, command: str, wall_s: float = 60) -> dict[str, Any]:
    """One command of the builder."""
    return await host.call(
        "execute",
        bench="b",
        argv=["/bin/sh", "-c", command],
        stdin=base64.b64encode(b"").decode(),
        limits={"wall_s": wall_s},
    )


@pytest.fixture
async def pool() -> AsyncIterator[Pool]:
    """One host with Slack alone, which starts sooner than one with everything."""
    async with Pool(HostOptions(ROOT / "twins", ("slack",)), 1) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tmp_path.chmod(0o755)
    for parent in tmp_path.parents[:3]:
        parent.chmod(parent.stat().st_mode | 0o011)
    return tmp_path


@pytest.fixture
async def shell(pool: Pool, folder: Path) -> AsyncIterator[Shell]:
    """``await shell(command)`` in a box of a builder that has a bot in its workspace."""
    async with pool.host() as host:
        await bench(host, folder, SETUP)
        bot = folder / "work" / "bot"
        bot.write_text(BOT)
        bot.chmod(0o755)
        yield lambda command: run(host, command)


async def test_the_builder_finds_the_variables_of_a_program_that_is_judged(shell: Shell) -> None:
    done = await shell("env | cut -d= -f1 | sort; echo $PORT $SERVICE_URL")
    names = done["stdout"].split()
    assert {"SLACK_SIGNING_SECRET", "SLACK_TOKEN", "SLACK_URL", "PORT"} <= set(names)
    assert done["stdout"].endswith("8080 http://127.0.0.1:8080\n")


async def test_what_a_person_says_reaches_the_program_in_the_same_command(shell: Shell) -> None:
    say = "twin slack say user=any:everyone:1 channel=general"
    done = await shell(f"{LISTENS}{say} text='thanks {{{{ben.id}}}}'; {say} text=again; ./bot ask")
    out = done["stdout"]
    assert done["exit_code"] == 0, done
    # The bot hears itself too.
    assert out.count("told: message to http://127.0.0.1:8080/slack/events: 200") == 4, done
    assert out.count("called: slack chat.postMessage: 200") == 2
    assert "seen: 4" in out
    # The signature was right: the bot answers 401 to any other. What it said is there.
    view = await shell("twin slack view messages | tail -4")
    assert "echo thanks U" in view["stdout"] and "echo again" in view["stdout"]


WHISPER = """
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args): pass
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200); self.end_headers(); self.wfile.write(b"only for you")
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""


async def test_what_only_one_person_sees_can_be_looked_at(shell: Shell, folder: Path) -> None:
    (folder / "work" / "whisper.py").write_text(WHISPER)
    listens = LISTENS.replace("./bot", "python3 whisper.py")
    done = await shell(
        f"{listens}twin slack slash_command user=any:everyone:1 channel=general command=/echo; "
        "twin slack view; twin slack view ephemerals"
    )
    assert "told: slash_command" in done["stdout"] and "ephemerals: 1" in done["stdout"], done
    assert '"text": "only for you"' in done["stdout"].splitlines()[-1]


@pytest.mark.slow
async def test_a_bot_that_answers_itself_is_noticed(pool: Pool, folder: Path) -> None:
    async with pool.host() as host:
        await bench(host, folder, SETUP)
        bot = folder / "work" / "bot"
        bot.write_text(BOT.replace('if said.get("bot_id"): return', "pass"))
        bot.chmod(0o755)
        say = "twin slack say user=any:everyone:1 channel=general text=hello"
        done = await run(host, f"{LISTENS}{say}")
    assert done["exit_code"] == 0 and "does the program hear itself?" in done["stdout"], done
    assert len(done["stdout"].splitlines()) < 60 + done["stdout"].count("answered True")


async def test_an_event_that_nobody_hears_is_told_of_and_comes_again(shell: Shell) -> None:
    silent = await shell("twin slack say user=any:everyone:1 channel=general text=hello")
    assert "/slack/events: connection refused" in silent["stdout"]
    assert "pending: message" in (await shell("twin events"))["stdout"]
    done = await shell(f"{LISTENS}twin clock 10m; ./bot ask")
    assert "told: message to http://127.0.0.1:8080/slack/events: 200" in done["stdout"], done
    assert "seen: 2" in done["stdout"]


async def test_the_clock_is_moved_and_names_are_known(shell: Shell) -> None:
    done = await shell("twin clock; twin clock 2h; twin names; twin")
    lines = done["stdout"].splitlines()
    assert lines[0].startswith("2026-01-05T09:00") and lines[1].startswith("clock: 2026-01-05T11:0")
    assert any(line.startswith('ben: {"id": "U') for line in lines)
    assert "services: slack" in done["stdout"]


REFUSED = {
    "slak say": "there is no service 'slak'; there are slack",
    "slack shout user=a": "`slack` has no operation `shout`",
    "slack say user=any:everyone:1": "`say` needs `text`",
    "slack say user=nobody@acme.example text=x channel=general": "nobody@acme.example",
    "slack say user": "'user' is not key=value",
    "slack say '{user: '": "that is not YAML",
    "slack say user={{who.email}} text=x": "nothing is called `who`",
    "clock backwards": "must look like `90s`",
}


async def test_what_makes_no_sense_is_refused_in_a_sentence(shell: Shell) -> None:
    done = await shell("; ".join(f"twin {words}; echo $?" for words in REFUSED))
    assert done["stdout"].split() == ["1"] * len(REFUSED)
    said = done["stderr"].splitlines()
    assert len(said) == len(REFUSED), said
    for line, sentence in zip(said, REFUSED.values(), strict=True):
        assert line.startswith("twin: ") and sentence in line


async def test_a_builders_control_reaches_its_own_universe_alone(pool: Pool, folder: Path) -> None:
    """No path, method or body of it reads a file, another universe or a scenario."""
    async with pool.host() as host:
        other = folder / "other"
        other.mkdir()
        await bench(host, folder, SETUP)
        await bench(host, other, [])  # replaces it: the same builder begins anew
        assert "ben" not in (await run(host, "twin names"))["stdout"]
        probes = "/universes /universes/main /../../etc/passwd /universes/main/snapshots"
        asked = await run(
            host,
            f'for p in {probes}; do python3 -c "import sys, urllib.request as u; '
            "print(u.urlopen(u.Request(sys.argv[1], b'[]')).read()[:40])\" "
            "http://127.0.0.1:7000$p; done; twin slack view ../../x; twin slack __class__ a=b; "
            'head -c 400000 /dev/zero | python3 -c "import sys, urllib.request as u; '
            "u.urlopen('http://127.0.0.1:7000/', sys.stdin.buffer.read())\"",
        )
        assert asked["stdout"].count("twin SERVICE") == 4  # whatever the path, words alone count
        assert "no ../../x" in asked["stdout"]
        assert "`slack` has no operation `__class__`" in asked["stderr"]
        assert "413" in asked["stderr"]


async def test_commands_side_by_side_hear_of_what_they_did(pool: Pool, folder: Path) -> None:
    """Two boxes listen at the same address; each is told of what was said from it."""
    import asyncio

    async with pool.host() as host:
        await bench(host, folder, SETUP)
        bot = folder / "work" / "bot"
        bot.write_text(BOT)
        bot.chmod(0o755)
        say = "twin slack say user=any:everyone:1 channel=general text=hello; ./bot ask"
        both = await asyncio.gather(*(run(host, f"{LISTENS}{say}") for _ in range(2)))
        seen = [done["stdout"].rpartition("seen: ")[2] for done in both]
        assert all(int(number) >= 1 for number in seen), both
        assert sum(map(int, seen)) == 4


async def test_without_the_setting_there_is_no_such_command(pool: Pool, folder: Path) -> None:
    async with pool.host() as host:
        await bench(host, folder, None)
        done = await run(host, "twin; env")
        assert done["exit_code"] == 0 and "twin: not found" in done["stderr"]
        assert "TWINS_CONTROL" not in done["stdout"] and "\nPORT=" not in done["stdout"]


async def test_a_setup_that_cannot_be_done_says_which(pool: Pool, folder: Path) -> None:
    async with pool.host() as host:
        with pytest.raises(HarnessFault, match=r"slack set_channel: slack has no channel nowhere"):
            await bench(
                host, folder, [["slack", "set_channel", {"name": "nowhere", "members": []}]]
            )


def test_the_tool_is_plain_python() -> None:
    tool = ROOT / "factory_tui" / "trials" / "twin_tool.py"
    assert tool.read_text().startswith("#!/usr/bin/python3 -IS\n")


async def test_without_a_box_the_program_is_reached_as_well(folder: Path) -> None:
    """There the program listens at a port of the host that nobody else has."""
    options = HostOptions(ROOT / "twins", ("slack",), unsandboxed=True)
    async with Pool(options, 1) as pool, pool.host() as host:
        await bench(host, folder, SETUP)
        bot = folder / "work" / "bot"
        bot.write_text(BOT)
        bot.chmod(0o755)
        say = "twin slack say user=any:everyone:1 channel=general text=hello"
        done = await run(host, f"{LISTENS}{say}; ./bot ask; echo port $PORT; kill %1")
    assert "told: message to http://127.0.0.1:8080/slack/events: 200" in done["stdout"], done
    assert "seen: 2" in done["stdout"] and "port 8080" not in done["stdout"]
