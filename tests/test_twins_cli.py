"""``factory-tui twins``: serving, the commands that talk to it, recording, scoring, packing."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from factory_tui.cli import main
from factory_tui.twins_cli import twins

ROOT = Path(__file__).resolve().parents[1]
COMMAND = [sys.executable, "-c", "from factory_tui.twins_cli import twins; twins()"]


def run(*args: str) -> Result:
    return CliRunner().invoke(twins, list(args))


class Running:
    """A command that serves until it is told to stop."""

    def __init__(self, command: list[str], env: dict[str, str] | None = None) -> None:
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **(env or {})},
        )
        self.said: list[str] = []

    def until(self, pattern: str) -> re.Match[str]:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line)
            found = re.search(pattern, line)
            if found:
                return found
        raise AssertionError(f"{pattern!r} was not said: {''.join(self.said)}")

    @property
    def env(self) -> dict[str, str]:
        text = "".join(self.said)
        return dict(re.findall(r"^export (\w+)=(.*)$", text, re.MULTILINE))

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(20)
        finally:
            self.process.kill()
            if self.process.stdout is not None:
                self.process.stdout.close()


@pytest.fixture(scope="module")
def served() -> Iterator[Running]:
    names = ["slack", "okta", "--port-base", "0", "--control-port", "0", "--tap"]
    running = Running([*COMMAND, "serve", *names])
    running.until("ctrl.c stops")
    yield running
    running.stop()


def slack(running: Running, method: str, **args: Any) -> Any:
    env = running.env
    request = urllib.request.Request(
        env["SLACK_URL"] + method,
        json.dumps(args).encode(),
        {
            "authorization": f"Bearer {env['SLACK_TOKEN']}",
            "content-type": "application/json; charset=utf-8",
        },
    )
    with urllib.request.urlopen(request, timeout=20) as response:
        return json.loads(response.read())


def test_serve_seed_diff_and_tap(served: Running) -> None:
    control = ["--control", served.env["TWINS_CONTROL"]]
    assert "OKTA_TOKEN" in served.env
    assert "nothing has changed" in run("diff", *control).output
    assert slack(served, "conversations.create", name="incident-7")["ok"]
    served.until(r"slack  <- POST   /api/conversations.create  200")
    changed = run("diff", *control).output
    assert re.search(r"^slack +channels +\+ C\w+$", changed, re.MULTILINE)
    assert run("diff", "one", "--take", *control).output == "took one\n"
    assert "nothing has changed" in run("diff", "one", *control).output
    rows = json.loads(run("diff", "start", "--json", *control).output)["slack"]["channels"]
    assert rows[0]["after"]["name"] == "incident-7"
    seen = run("tap", "--no-follow", *control).output
    assert seen.count("\n") == 1
    assert "/api/conversations.create" in seen
    first = json.loads(run("tap", "--no-follow", "--json", *control).output)
    assert first["operation"] == "conversations.create"
    told = run("seed", *control)
    assert re.search(r"^slack +acme-12 +http://127.0.0.1:\d+$", told.output, re.MULTILINE)
    assert "nothing has changed" in run("diff", *control).output
    assert "acme-300" in run("seed", "acme-300", *control).output
    problem = run("seed", "nowhere", *control)
    assert (problem.exit_code, 'has no seed "nowhere"' in problem.output) == (2, True)
    problem = run("seed", "--clock", "noon", *control)
    assert (problem.exit_code, "--clock noon: give a time" in problem.output) == (2, True)
    run("seed", "acme-12", *control)


def test_tap_follows(served: Running) -> None:
    tapping = Running(
        [*COMMAND, "tap", "--control", served.env["TWINS_CONTROL"], "--twin", "slack"]
    )
    try:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and tapping.process.poll() is None:
            slack(served, "auth.test")
            if tapping.until(r"/api/(auth.test|conversations.create)"):
                return
    finally:
        tapping.stop()


@pytest.mark.parametrize("command", ["seed", "tap", "diff"])
def test_without_a_server_it_says_what_to_do(command: str) -> None:
    result = run(command, "--control", "http://127.0.0.1:1")
    assert result.exit_code == 2
    assert "no control API at http://127.0.0.1:1" in result.output
    assert "--control-port" in result.output


def test_serving_what_is_not_there() -> None:
    for args in (["nowhere"], ["okta", "--seed", "nowhere"], ["okta", "--clock", "noon"]):
        result = run("serve", *args, "--port-base", "0")
        assert result.exit_code == 2
        assert result.output.startswith("factory-tui: ")
    for command in ("serve", "pack", "score"):
        result = run(command, "okto")
        assert result.exit_code == 2
        assert 'no twin pack "okto"' in result.output
        assert "it has jira, okta, slack" in result.output


def test_the_factory_named_before_the_command_is_the_one_whose_twins_are_taken(
    tmp_path: Path,
) -> None:
    (tmp_path / "twins" / "mine").mkdir(parents=True)
    (tmp_path / "twins" / "mine" / "__init__.py").write_text("")
    for args in (
        ["--factory", str(tmp_path), "twins", "serve", "okta"],
        ["twins", "serve", "okta", "--factory", str(tmp_path)],
        ["twins", "serve", "okta", "--folder", str(tmp_path)],
    ):
        result = CliRunner().invoke(main, args)
        assert result.exit_code == 2
        assert f"in {tmp_path / 'twins'}; it has mine" in result.output


def test_serving_https(tmp_path: Path) -> None:
    import ssl

    bundle = tmp_path / "ca.pem"
    command = ["serve", "slack", "--port-base", "0", "--tls-ca", str(bundle)]
    running = Running([*COMMAND, *command])
    try:
        running.until("ctrl.c stops")
        url = running.env["SLACK_URL"].replace("127.0.0.1", "localhost") + "api.test"
        assert url.startswith("https://")
        trusting = ssl.create_default_context(cafile=str(bundle))
        with urllib.request.urlopen(url, context=trusting, timeout=20) as response:
            assert json.loads(response.read())["ok"] is True
    finally:
        running.stop()


def test_serving_with_the_real_time() -> None:
    running = Running([*COMMAND, "serve", "slack", "--port-base", "0", "--clock", "now"])
    try:
        running.until("ctrl.c stops")
        began = time.time()
        channel = slack(running, "conversations.create", name="present")["channel"]
        assert int(began) <= channel["created"] <= time.time()
        said = slack(running, "chat.postMessage", channel=channel["id"], text="now")
        assert began <= float(said["ts"]) <= time.time()
    finally:
        running.stop()


def test_record_then_score(served: Running, tmp_path: Path) -> None:
    recording = tmp_path / "slack.jsonl"
    upstream = served.env["SLACK_URL"].removesuffix("/api/")
    command = ["record", "slack", upstream, "--out", str(recording), "--port", "0"]
    recorder = Running([*COMMAND, *command])
    try:
        address = recorder.until(r"(http://\S+) -> ")[1]
        proxied = Running.__new__(Running)
        proxied.said = [
            f"export SLACK_URL={address}/api/\n",
            f"export SLACK_TOKEN={served.env['SLACK_TOKEN']}\n",
        ]
        channel = slack(proxied, "conversations.create", name="recorded")["channel"]["id"]
        assert slack(proxied, "chat.postMessage", channel=channel, text="hello")["ok"]
        assert slack(proxied, "conversations.info", channel="C404")["error"]
        assert slack(proxied, "users.list")["members"]
    finally:
        recorder.stop()
    text = recording.read_text()
    assert served.env["SLACK_TOKEN"] not in text
    assert "127.0.0.1" not in text
    assert "Bearer REDACTED" in text
    assert not re.search(r"[\w.]+@acme\.(?!example)", text)
    assert recording.stat().st_mode & 0o077 == 0
    rows = [json.loads(line) for line in text.splitlines()]
    assert [row["path"] for row in rows][:2] == [
        "/api/conversations.create",
        "/api/chat.postMessage",
    ]
    # The twin agrees with itself, although a fresh one gives other ids.
    scored = run("score", "slack", "-r", str(recording), "--json", "--at-least", "100")
    found = json.loads(scored.output)
    assert (scored.exit_code, found["replayed"], found["agreed"]) == (0, 4, 4), found
    # And it does not agree with what it does not do.
    rows[1]["response_body"] = json.dumps({"ok": False, "error": "is_archived"})
    rows[3]["response_body"] = json.dumps({"ok": True, "members": [{"aura": "blue"}]})
    recording.write_text("".join(json.dumps(row) + "\n" for row in rows))
    scored = run("score", "slack", "-r", str(recording), "--at-least", "51")
    assert scored.exit_code == 1
    assert "2/4 50.0 %" in scored.output
    assert "error none, recorded is_archived" in scored.output
    assert "members[].aura is missing" in scored.output


def test_score_prints_what_is_covered(tmp_path: Path) -> None:
    lines = run("score", "okta", "jira").output.splitlines()
    heads = "described implemented gaps by a client agree refuse recordings"
    assert lines[0].split() == ["twin", *heads.split()]
    for line in lines[1:]:
        _, described, implemented, gaps, *proofs, recordings = line.split()
        assert int(described) == int(implemented) + int(gaps) > 500
        assert len(proofs) == 3
        assert all(proof == "-" or 0 < int(proof) <= int(implemented) for proof in proofs)
        assert recordings == "-"
    found = json.loads(run("score", "okta", "--json").output)
    assert found["driven"] > 600
    listed = run("score", "jira", "--gaps").output.count("  gap  ")
    assert listed == len(json.loads(run("score", "jira", "--json").output)["gaps"])
    broken = tmp_path / "x.jsonl"
    broken.write_text('{"twin": 1}\n')
    result = run("score", "-r", str(broken))
    assert result.exit_code == 2
    assert "x.jsonl is no recording" in result.output
    assert run("score", "nowhere").exit_code == 2


def test_score_reads_cassettes_of_vcr() -> None:
    folder = ROOT.parent / "shared" / "api" / "okta" / "recordings" / "test_network_zone_it"
    if not folder.is_dir():
        pytest.skip("the recordings are not there")
    result = run("score", "okta", "-r", str(folder), "--of", "okta", "--json")
    found = json.loads(result.output)
    assert found["replayed"] > 5
    assert found["replayed"] == found["agreed"] + len(found["disagreements"])


def test_pack_writes_a_file_that_runs_alone(tmp_path: Path) -> None:
    target = tmp_path / "slack.pyz"
    result = run("pack", "slack", "--out", str(target))
    assert result.exit_code == 0, result.output
    # Isolated: nothing of this environment is importable.
    command = [sys.executable, "-I", "-S", str(target), "--port-base", "0", "--control-port", "0"]
    for _ in range(2):  # unpacks, then finds itself unpacked
        running = Running(command, {"XDG_CACHE_HOME": str(tmp_path / "cache")})
        try:
            running.until("ctrl.c stops")
            assert slack(running, "auth.test")["ok"] is True
        finally:
            running.stop()
    assert len(list((tmp_path / "cache" / "factory-tui-twins").iterdir())) == 1
    assert run("pack", "nowhere", "--out", str(target)).exit_code == 2
