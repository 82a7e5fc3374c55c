"""The command line: what it prints, its exit codes, and that bad input costs nothing."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from factory_tui.cli import main
from factory_tui.store import RunRow, Store


def run(*args: str, folder: Path | None = None, stdin: str | None = None) -> Result:
    place = ["--factory", str(folder)] if folder else []
    return CliRunner().invoke(main, [*args, *place], input=stdin)


@pytest.fixture
def factory(tmp_path: Path) -> Path:
    assert run("init", str(tmp_path / "f")).exit_code == 0
    return tmp_path / "f"


@pytest.fixture
def store(factory: Path) -> Iterator[Store]:
    with Store.open(factory / "runs" / "factory.db") as opened:
        yield opened


def test_init_makes_a_factory_that_checks(factory: Path) -> None:
    result = run("check", "--static", folder=factory)
    assert result.exit_code == 0
    assert "13 scenarios (8 train, 5 holdout), 0 errors" in result.output
    assert (factory / "twins" / "okta" / "__init__.py").exists()


def test_init_overwrites_nothing(factory: Path) -> None:
    (factory / "specs" / "rollcall.md").write_text("mine")
    result = run("init", str(factory))
    assert result.exit_code == 2
    assert "exists already" in result.output
    assert (factory / "specs" / "rollcall.md").read_text() == "mine"


def test_no_factory_says_what_to_do(tmp_path: Path) -> None:
    for args in (["run"], ["attach"], ["check"]):
        result = run(*args, folder=tmp_path)
        assert result.exit_code == 2
        assert "factory-tui init" in result.output
    assert "factory-tui run" in run("runs", folder=tmp_path).output


def test_a_broken_scenario_stops_a_run_with_file_line_and_column(
    factory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "none")
    path = factory / "scenarios" / "joiner.md"
    path.write_text(path.read_text().replace("title:", "titel:"))
    result = run("run", "--plain", folder=factory)
    assert result.exit_code == 2
    assert "joiner.md:3:1: unknown key `titel`" in result.output
    assert not (factory / "runs" / "factory.db").exists()


def test_no_model_says_what_to_set(factory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    result = run("run", "--json", folder=factory)
    assert result.exit_code == 2
    assert "ANTHROPIC_API_KEY" in result.output


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["budget", "ab12", "--tokens", "many"], "whole number"),
        (["budget", "ab12", "--usd", "-3"], "US dollars"),
        (["budget", "ab12"], "give --tokens"),
        (["budget", "ab12", "--tokens", "10"], "already spent more"),
        (["retry", "ab12", "nowhere"], "no scenario"),
        (["pause", "zz"], "zz"),
        (["product", "ab12", "--out", "/"], "exists already"),
    ],
)
def test_bad_input_is_one_sentence_and_code_2(
    factory: Path, store: Store, args: list[str], said: str
) -> None:
    store.add_run(RunRow(id="ab12", name="x", spent_tokens=500, status="running"))
    result = run(*args, folder=factory)
    assert result.exit_code == 2
    assert said in result.output
    assert result.output.count("\n") == 1
    assert store.pending("ab12") == []


def test_requests_are_written_for_the_engine(factory: Path, store: Store) -> None:
    mine = {"pid": os.getpid(), "status": "running"}
    store.add_run(RunRow(id="ab12", name="x", **mine))
    assert run("pause", "ab", folder=factory).exit_code == 0
    assert (
        run("budget", "ab12", "--tokens", "1_000", "--usd", "2.50", folder=factory).exit_code == 0
    )
    pending = store.pending("ab12")
    assert [(c.verb, dict(c.args)) for c in pending] == [
        ("pause", {}),
        ("budget", {"tokens": 1000, "usd": "2.50"}),
    ]


def test_runs_tells_an_interrupted_run_from_a_live_one(factory: Path, store: Store) -> None:
    store.add_run(RunRow(id="ab12", name="x", status="running", pid=2**22 + 1))
    assert "interrupted" in run("runs", folder=factory).output
    row = json.loads(run("runs", "--json", folder=factory).output)
    assert row["id"] == "ab12"
    assert row["live"] is False


def test_rm_asks_and_spares_a_live_run(factory: Path, store: Store) -> None:
    store.add_run(RunRow(id="ab12", name="x", status="stopped"))
    store.add_run(RunRow(id="cd34", name="x", status="running", pid=os.getpid()))
    assert run("rm", "ab12", folder=factory, stdin="n\n").exit_code == 0
    assert len(store.runs()) == 2
    assert run("rm", "cd34", "--yes", folder=factory).exit_code == 2
    assert run("rm", "ab12", "--yes", folder=factory).exit_code == 0
    assert [r.id for r in store.runs()] == ["cd34"]


def test_export_is_json_lines(factory: Path, store: Store) -> None:
    store.add_run(RunRow(id="ab12", name="x"))
    store.append("ab12", "note", {"text": "hello", "level": "info"})
    lines = [json.loads(x) for x in run("export", "ab12", folder=factory).output.splitlines()]
    assert [x["type"] for x in lines] == ["run", "journal"]


def test_doctor_names_everything_a_run_needs(factory: Path) -> None:
    result = run("doctor", folder=factory)
    for word in ("python", "git", "isolation", "model key", "disk", "terminal"):
        assert word in result.output


def test_starting_is_light() -> None:
    heavy = "{'anthropic', 'textual', 'sqlite_utils', 'genai_prices', 'uvicorn'}"
    code = f"import sys, factory_tui.cli; sys.exit(bool({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_screens_without_a_terminal_say_what_to_use(factory: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "factory_tui", "--factory", str(factory)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "--plain" in done.stderr
