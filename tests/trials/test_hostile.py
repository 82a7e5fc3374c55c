"""Products that attack whoever tries them: the host stays small, the trial is theirs to lose."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from factory_tui.trials import Host, Job, Pool, Report
from tests.trials.conftest import MakeJob, tried

LISTENING = (
    'configure_app: {url: "http://127.0.0.1:8080/slack/events", events: [message.channels]}, '
    "set_channel: {name: general, members: [any:everyone:1]}"
)
SAY = "slack: say {user: any:everyone:1, channel: general, text: hello}"
ANY = "- must fact: cmd.count >= 0"


def peak_mb(pool: Pool) -> int:
    """The most memory that the trial host ever had."""
    process = pool._hosts[0].process
    assert process is not None
    status = Path(f"/proc/{process.pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+)", status)
    assert found is not None
    return int(found[1]) // 1024


async def attacked(pool: Pool, job: Job, seconds: float = 90) -> tuple[Report, list[Any]]:
    """A trial that must end, on a host that must be there afterwards."""
    async with asyncio.timeout(seconds):
        result = await tried(pool, job)
    assert pool._hosts[0].alive
    return result


def killed(report: Report) -> list[tuple[str, str]]:
    """Which programs were stopped, and by what."""
    return [
        (entry["kind"], entry["data"]["killed"])
        for entry in report.trajectory
        if entry["data"].get("killed")
    ]


def notes(report: Report) -> list[str]:
    return [entry["text"] for entry in report.trajectory if entry["kind"] == "note"]


BODIES = r"""#!/usr/bin/python3 -IS
import socket
body = b"x" * (8 << 20)
while True:
    s = socket.create_connection(("127.0.0.1", 7002))
    try:
        while True:
            s.sendall(b"POST /api/none HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n"
                      % len(body) + body)
            s.recv(65536)
    except OSError:
        pass
"""


async def test_a_flood_of_bodies_ends_the_trial(pool: Pool, job: MakeJob) -> None:
    report, _ = await attacked(
        pool, job(BODIES, "1. run: `{{sut}}`\n2. run: `echo never`", ANY, wall_s=60)
    )
    assert killed(report) == [("run", "traffic")]
    assert notes(report) == ["the product's calls and their answers exceed 64 MiB; it was stopped"]
    assert "never" not in str(report.trajectory)
    assert peak_mb(pool) < 500


CALLS = r"""#!/usr/bin/python3 -IS
import socket, threading
s = socket.create_connection(("127.0.0.1", 7002))
def read():
    while s.recv(1 << 20): pass
threading.Thread(target=read, daemon=True).start()
while True:
    s.sendall(b"GET /api/api.test HTTP/1.1\r\nhost: x\r\n%b\r\n" % (b"x: y\r\n" * 50) * 200)
"""


@pytest.mark.slow
async def test_a_flood_of_calls_ends_the_trial(pool: Pool, job: MakeJob) -> None:
    report, exchanges = await attacked(pool, job(CALLS, "1. run: `{{sut}}`", ANY, wall_s=60))
    assert killed(report) == [("run", "traffic")]
    assert len(exchanges) <= 20_001
    assert peak_mb(pool) < 700


ECHO = r"""#!/usr/bin/python3 -IS
import http.client, http.server, json, os, sys, time, urllib.parse
class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args): pass
    def do_POST(self):
        event = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(200); self.end_headers()
        if event["type"] == "url_verification":
            self.wfile.write(event["challenge"].encode())
            return
        WAIT
        url = urllib.parse.urlsplit(os.environ["SLACK_URL"])
        c = http.client.HTTPConnection(url.hostname, url.port)
        form = urllib.parse.urlencode({"channel": event["event"]["channel"], "text": "echo"})
        c.request("POST", url.path + "chat.postMessage", form, {
            "authorization": "Bearer " + os.environ["SLACK_TOKEN"],
            "content-type": "application/x-www-form-urlencoded"})
        c.getresponse().read()
http.server.ThreadingHTTPServer(("127.0.0.1", 8080), Handler).serve_forever()
"""


async def test_a_bot_that_answers_itself_is_stopped(pool: Pool, job: MakeJob) -> None:
    steps = f"1. start: `{{{{sut}}}}`\n2. {SAY}\n3. stop:\n"
    report, _ = await attacked(
        pool, job(ECHO.replace("WAIT", ""), steps, ANY, slack=LISTENING, wall_s=30)
    )
    assert killed(report) == [("stop", "echo")]
    (said,) = notes(report)
    assert re.fullmatch(
        r"the product answered its own messages: \d+ deliveries without settling; it was stopped",
        said,
    )
    quick = job("#!/bin/sh\nexit 0\n", "1. run: `{{sut}}`", "- must fact: cmd[1].exit == 0")
    report, _ = await attacked(pool, quick)  # the host goes on
    assert report.facts[0]["ok"]


DEAF = r"""#!/usr/bin/python3 -IS
import os, socket, time, urllib.request
l = socket.create_server(("127.0.0.1", 8080))
time.sleep(1)
for n in range(20):
    ask = urllib.request.Request(os.environ["SLACK_URL"] + "chat.postMessage",
        data=b"channel=%23general&text=hello",
        headers={"authorization": "Bearer " + os.environ["SLACK_TOKEN"]})
    print(urllib.request.urlopen(ask).read(), flush=True)
time.sleep(999)
"""


@pytest.mark.slow
async def test_a_service_that_never_takes_its_events_is_stopped(pool: Pool, job: MakeJob) -> None:
    steps = "1. start: `{{sut}}`\n2. run: `sleep 3`\n3. run: `echo never`\n"
    report, _ = await attacked(pool, job(DEAF, steps, ANY, slack=LISTENING, wall_s=5))
    assert killed(report) == [("stop", "wall")]
    assert notes(report) == [
        "the service did not take what it was told of within 15 s; it was stopped"
    ]


NESTS = r"""#!/usr/bin/python3 -IS
import os
for n in range(1500):
    os.mkdir("n"); os.chdir("n")
open("deepest", "w")
os.chdir("/work")
for n in range(300):
    open(f"{n}", "wb").truncate(100 << 20)
os.mkfifo("pipe"); os.symlink("/etc/passwd", "passwd"); os.symlink("pipe", "to-pipe")
import socket; socket.socket(socket.AF_UNIX).bind("socket")
open(b"\xff\x1b[2J\xe2\x80\xae", "w").write("x")
os.mkdir("shut"); open("shut/in", "w"); os.chmod("shut", 0)
print("done")
"""


async def test_what_a_product_leaves_lying_hurts_nobody(pool: Pool, job: MakeJob) -> None:
    made = job(
        NESTS,
        "1. run: `{{sut}}`",
        "- must fact: cmd[1].output contains done\n- must fact: files[passwd].count == 0",
    )
    report, _ = await attacked(pool, made)
    assert killed(report) == []
    assert report.facts[0]["ok"], report.facts
    assert not made.scratch.exists()
    assert peak_mb(pool) < 600


DIALS = r"""#!/usr/bin/python3 -IS
import os, socket, time
listener = socket.create_server(("127.0.0.1", 8080))
if os.fork() == 0:
    while True: listener.accept()[0].recv(1)
for n in range(30):
    if os.fork() == 0:
        held = []
        try:
            while True:
                for where in ("127.0.0.1", 7002), ("127.1.0.1", 443), ("127.1.0.2", 443):
                    held.append(socket.create_connection(where, 2))
        except OSError:
            pass
        time.sleep(99)
time.sleep(99)
"""


async def test_connections_without_number_leave_the_host_some(pool: Pool, job: MakeJob) -> None:
    process = pool._hosts[0].process
    assert process is not None
    report, _ = await attacked(
        pool,
        job(
            DIALS,
            "1. start: `{{sut}}`\n2. run: `sleep 4`\n3. run: `echo still here`\n4. stop:",
            "- must fact: cmd[3].output contains still here",
            wall_s=20,
        ),
    )
    assert report.facts[0]["ok"]
    assert peak_mb(pool) < 400
    assert len(list(Path(f"/proc/{process.pid}/fd").iterdir())) < 200


async def test_a_builders_flood_ends_one_command(pool: Pool, tmp_path: Path) -> None:
    for folder in (tmp_path, *tmp_path.parents[:3]):
        folder.chmod(folder.stat().st_mode | 0o055)
    (tmp_path / "flood").write_text(BODIES)
    (tmp_path / "flood").chmod(0o755)

    async def run(host: Host, command: str) -> dict[str, Any]:
        argv, limits = ["/bin/sh", "-c", command], {"wall_s": 60}
        return await host.call("execute", bench="b", argv=argv, stdin="", limits=limits)

    async with pool.host() as host:
        seeds = {"slack": "acme-12"}
        await host.call("bench", bench="b", workspace=str(tmp_path), seeds=seeds, seed=5)
        for _ in range(3):
            done = await run(host, "./flood")
            assert done["killed"] == "traffic"
            assert "exceed 64 MiB; it was stopped" in done["stderr"]
        call = "import os, urllib.request as r; r.urlopen(os.environ['SLACK_URL'] + 'api.test')"
        done = await run(host, f'python3 -ISc "{call}"')
        assert done["exit_code"] == 0
        assert [row["operation"] for row in done["exchanges"]] == ["api.test"]
    assert peak_mb(pool) < 600
