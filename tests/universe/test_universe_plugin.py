"""The pytest plugin, as a project outside uses it: its own tests run in a process of their own."""

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

TESTS = """
import os
import subprocess
import sys
import pytest
from slack_sdk import WebClient

def client(twin):
    return WebClient(twin.env["SLACK_TOKEN"], base_url=twin.env["SLACK_URL"])

def test_a_vendors_client(slack_twin):
    client(slack_twin).conversations_create(name="incident-7")
    assert "incident-7" in [c["name"] for c in slack_twin.view()["channels"]]
    assert [e.operation for e in slack_twin.traffic] == ["conversations.create"]
    slack_twin.reset()
    assert slack_twin.traffic == []
    assert "incident-7" not in [c["name"] for c in slack_twin.view()["channels"]]

def test_starts_afresh(slack_twin, okta_twin, jira_twin):
    assert "incident-7" not in [c["name"] for c in slack_twin.view()["channels"]]
    assert slack_twin.universe is okta_twin.universe is jira_twin.universe
    assert len(okta_twin.view()["users"]) == 12
    okta_twin.apply("remove_users", ["any:eng-web:1"])
    assert len(okta_twin.view()["users"]) == 11
    before = okta_twin.universe.clock.now()
    okta_twin.advance(3600)
    assert (jira_twin.universe.clock.now() - before).total_seconds() == 3600

@pytest.mark.twins(seed="acme-300", vary=["pages"], random_seed=3)
def test_marked(okta_twin):
    assert len(okta_twin.view()["users"]) == 300
    assert okta_twin.universe.small_page

@pytest.mark.twins(clock="now")
def test_now(slack_twin):
    import time
    assert abs(slack_twin.universe.clock.now().timestamp() - time.time()) < 60
    slack_twin.advance(3600)
    assert abs(slack_twin.universe.clock.now().timestamp() - time.time() - 3600) < 60

def test_faults(slack_twin):
    slack_twin.fault(match="auth.test", reply=503)
    with pytest.raises(Exception, match="503|internal_error|service_unavailable"):
        client(slack_twin).auth_test()

def test_fails_on_purpose(slack_twin):
    client(slack_twin).auth_test()
    assert False

@pytest.mark.twins(strict=True)
def test_strict(okta_twin):
    import json
    from factory_tui.universe import Request
    profile = {"login": "a@b.example", "email": "a@b.example", "firstName": "A", "lastName": "B"}
    user = {"profile": profile, "credentials": {"password": {"hook": {"type": "default"}}}}
    head = {"authorization": "SSWS " + okta_twin.env["OKTA_TOKEN"],
            "content-type": "application/json"}
    request = Request.build("POST", "/api/v1/users", head, json.dumps(user).encode())
    okta_twin.call(lambda universe: universe.handle("okta", request))
    assert okta_twin.universe.gaps
"""


def test_fixtures_in_a_project_of_their_own(tmp_path: Path) -> None:
    pytest.importorskip("slack_sdk")
    root = Path(__file__).resolve().parents[2]
    (tmp_path / "test_mine.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text(f"[pytest]\ntwins_folder = {root / 'twins'}\n")
    command = [sys.executable, "-m", "pytest"]
    if not any(one.name == "factory_tui_twins" for one in entry_points(group="pytest11")):
        command += ["-p", "factory_tui.pytest_plugin"]  # run from a tree that is not installed
    command += ["-p", "no:xdist", "-p", "no:cacheprovider", "-q", "test_mine.py"]
    # A folder of its own: pytest would close the shared one to the sandbox of other tests.
    command += ["--basetemp", str(tmp_path / "base")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "FAILED test_mine.py::test_fails_on_purpose" in done.stdout
    assert "Traffic of the twins" in done.stdout
    assert "/api/auth.test" in done.stdout
    assert "ERROR test_mine.py::test_strict" in done.stdout
    assert "the twins failed: gap in okta: " in done.stdout
    assert "1 failed, 6 passed, 1 error" in done.stdout
