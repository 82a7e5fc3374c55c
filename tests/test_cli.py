"""The command line: what it prints, its exit codes, and that bad input costs nothing."""

import errno
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from factory_tui.cli import main
from factory_tui.store import RunRow, ScenarioRow, Store


def run(*args: str, folder: Path | None = None, stdin: str | None = None) -> Result:
    place = ["--factory", str(folder)] if folder else []
    return CliRunner().invoke(main, [*args, *place], input=stdin, prog_name="factory-tui")


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
    for args in (["runs"], ["export"], ["pause", "ab12"], ["budget", "ab12", "--tokens", "1"], []):
        result = run(*args, folder=tmp_path)
        assert result.exit_code == 2, args
        assert result.output == run("run", folder=tmp_path).output, "one sentence for all"


def test_a_factory_without_runs_says_so_in_one_way(factory: Path) -> None:
    said = "no run yet; start one with `factory-tui run`\n"
    listed = run("runs", folder=factory)
    assert (listed.exit_code, listed.output) == (0, said), "an empty list is no failure"
    assert run("runs", "--json", folder=factory).stdout == ""
    for args in (["attach"], ["export"], ["pause", "ab12"], ["rm", "ab12"]):
        result = run(*args, folder=factory)
        assert (result.exit_code, result.output) == (2, said), args


def test_a_reader_that_has_seen_enough_is_no_failure(factory: Path, store: Store) -> None:
    store.add_run(RunRow(id="ab12", name="x"))
    for _ in range(200):
        store.append("ab12", "note", {"text": "hello " * 200, "level": "info"})
    command = f"{sys.executable} -m factory_tui export --factory {factory}"
    script = f"set -o pipefail; {command} | head -n 1 | wc -l"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "1", "")


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
        (
            ["budget", "ab12", "--tokens", "many"],
            "--tokens many: give a number such as",
        ),
        (["budget", "ab12", "--usd", "-3"], "--usd -3: a budget cannot be negative"),
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
    assert run("budget", "ab12", "--tokens", "150k", "--usd", "2.50", folder=factory).exit_code == 0
    pending = store.pending("ab12")
    assert [(c.verb, dict(c.args)) for c in pending] == [
        ("pause", {}),
        ("budget", {"tokens": 150_000, "usd": "2.50"}),
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


def test_a_taken_port_is_named(factory: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        for args in (["--port-base", port], ["--control-port", port]):
            result = run("twins", "serve", "slack", *args)
            assert result.exit_code == 2
            assert f"127.0.0.1:{port}" in result.output
            assert args[0] in result.output, "what to change"


def test_one_of_something_is_singular(factory: Path, store: Store, tmp_path: Path) -> None:
    dot = tmp_path / "g.dot"
    dot.write_text("digraph g { start [shape=Mdiamond]; exit [shape=Msquare]; start -> exit }")
    assert "2 nodes, 1 edge, 0 errors" in run("pipeline", "check", str(dot)).output
    store.add_run(RunRow(id="ab12", name="x", pid=os.getpid(), status="running"))
    store.save_scenarios("ab12", [ScenarioRow("ab12", "leaver")])
    result = run("retry", "ab12", "leaver", "--trials", "1", folder=factory)
    assert "1 more trial of leaver asked for" in result.output


def test_a_question_is_listed_and_answered(factory: Path, store: Store) -> None:
    store.add_run(RunRow(id="ab12", name="x", pid=os.getpid(), status="running"))
    assert "asks nothing" in run("answer", "ab12", "Y", folder=factory).output
    options = [{"key": "Y", "label": "Yes, ship", "to": "exit"}, {"key": "N", "label": "No"}]
    about = {"node": "review", "type": "multiple_choice", "default": "N", "expires_ms": None}
    store.append(
        "ab12", "question.asked", {"id": "q1", "text": "Ship it?", "options": options, **about}
    )
    listed = run("answer", "ab12", folder=factory)
    assert listed.exit_code == 0 and "[N] No  (default)" in listed.output
    wrong = run("answer", "ab12", "maybe", folder=factory)
    assert wrong.exit_code == 2 and "Y (Yes, ship), N (No)" in wrong.output
    assert "answered Yes, ship" in run("answer", "ab12", "yes,", "ship", folder=factory).output
    assert [dict(c.args) for c in store.pending("ab12")] == [{"question": "q1", "choice": "Y"}]


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "rollcall.md:1: the spec is empty"), (b"# A\n\xff", "rollcall.md:2: this is not UTF-8")],
)
def test_a_spec_that_says_nothing_is_refused_by_the_check_and_the_run(
    factory: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, said: str
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "none of anybody")
    (factory / "specs" / "rollcall.md").write_bytes(content)
    for args in (["check", "--static"], ["run", "--detach"]):
        result = run(*args, folder=factory)
        assert result.exit_code == 2, args
        assert said in result.output


def test_data_that_a_twin_does_not_have_is_named_before_the_run(
    factory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "none of anybody")
    settings = factory / "factory.toml"
    settings.write_text(settings.read_text().replace('okta = "acme-12"', 'okta = "acme-99"'))
    for args in (["check", "--static"], ["run", "--detach"]):
        result = run(*args, folder=factory)
        assert result.exit_code == 2, args
        assert "'acme-99', which it does not have; known: " in result.output


def test_the_product_of_the_newest_run_needs_no_id(factory: Path, store: Store) -> None:
    store.add_run(RunRow(id="ab12", name="x"))
    result = run("product", "--out", str(factory / "out"), folder=factory)
    assert result.exit_code == 2
    assert "Missing argument" not in result.output
    assert "ab12" in result.output


@pytest.mark.parametrize("command", ["check", "show", "run"])
def test_a_pipeline_that_is_not_there(tmp_path: Path, command: str) -> None:
    binary = tmp_path / "b.dot"
    binary.write_bytes(b"\xff\xfe")
    for path, said in ((tmp_path / "no.dot", "no such file"), (binary, "not UTF-8")):
        result = run("pipeline", command, str(path))
        assert result.exit_code == 2
        assert f"{path}: th" in result.output
        assert said in result.output
        assert "Errno" not in result.output


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["exprot"], "did you mean export"),
        (["pause"], "factory-tui pause: missing argument 'RUN_ID'"),
        (["run", "--frobnicate"], "no such option '--frobnicate'"),
        (["run", "--seed-from", "nowhere"], "Directory 'nowhere' does not exist"),
        (["retry", "ab12", "leaver", "--trials", "0"], "0 is not in the range"),
        (["twins", "serve"], "factory-tui twins serve: missing argument"),
        (["twins", "sevre"], "'sevre'"),
        (["demo", "--pace", "fast"], "'fast' is not a valid float"),
    ],
)
def test_what_was_typed_wrongly_is_one_sentence(args: list[str], said: str) -> None:
    result = run(*args)
    assert result.exit_code == 2
    assert said in result.stderr
    assert (result.stderr.count("\n"), result.stdout) == (1, "")
    assert "--help" in result.stderr


@pytest.mark.parametrize(
    "args",
    [
        ["init", "/proc/nowhere"],
        ["init", "{file}/below"],
        ["demo", "--plain", "--folder", "/proc/nowhere"],
        ["demo", "--plain", "--folder", "{file}/below"],
    ],
)
def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path: Path, args: list[str]) -> None:
    file = tmp_path / "file"
    file.write_text("kept")
    result = run(*(arg.format(file=file) for arg in args))
    assert result.exit_code == 2
    assert "give another place" in result.stderr
    assert result.stderr.count("\n") == 1
    assert file.read_text() == "kept"


def test_a_product_goes_only_where_a_folder_can_be(factory: Path, store: Store) -> None:
    store.add_run(RunRow(id="ab12", name="x"))
    result = run("product", "ab12", "--out", str(factory / "factory.toml" / "x"), folder=factory)
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)


def test_runs_that_is_no_folder_is_named(factory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "none of anybody")
    (factory / "runs").rmdir()
    (factory / "runs").write_text("kept")
    result = run("run", "--detach", "--unsandboxed", folder=factory)
    assert result.exit_code == 2
    assert f"{factory / 'runs'}: there is a file where a folder is needed" in result.stderr
    assert (factory / "runs").read_text() == "kept"


def test_a_run_that_is_not_there_is_answered_with_those_that_are(
    factory: Path, store: Store
) -> None:
    store.add_run(RunRow(id="ab12", name="x"))
    for command in ("attach", "export", "pause", "answer"):
        result = run(command, "zz", folder=factory)
        assert result.exit_code == 2
        assert result.stderr == "there is no run zz; this factory has ab12\n"


def test_rm_without_an_answer_keeps_the_run(factory: Path, store: Store) -> None:
    store.add_run(RunRow(id="ab12", name="x", status="stopped"))
    result = run("rm", "ab12", folder=factory, stdin="")
    assert result.exit_code == 2
    assert "--yes" in result.stderr
    assert len(store.runs()) == 1


def test_doctor_speaks_of_a_folder_that_is_not_there(tmp_path: Path) -> None:
    result = run("doctor", folder=tmp_path / "nowhere")
    assert result.exit_code == 2
    assert f"{tmp_path / 'nowhere'}: no such file or directory" in result.output


def test_doctor_sees_the_key_of_any_provider(
    factory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    said = run("doctor", folder=factory).output
    assert "OPENAI_API_KEY" in said
    assert "sk-secret" not in said


@pytest.mark.parametrize(
    "args",
    [
        ["twins", "pack", "slack", "--out", "{file}"],
        ["twins", "serve", "slack", "--port-base", "0", "--tls-ca", "{file}"],
        ["twins", "record", "slack", "https://slack.invalid", "--port", "0", "--out", "{file}"],
        ["pipeline", "show", "{dot}", "--svg", "{file}"],
    ],
)
def test_a_file_of_another_kind_is_not_written_over(factory: Path, args: list[str]) -> None:
    file, dot = factory / "factory.toml", factory / "g.dot"
    before = file.read_bytes()
    dot.write_text("digraph g { start [shape=Mdiamond]; exit [shape=Msquare]; start -> exit }")
    result = run(*(arg.format(file=file, dot=dot) for arg in args))
    assert result.exit_code == 2
    assert f"{file}: there is a file that is not a" in result.stderr
    assert result.stderr.count("\n") == 1
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["twins", "serve", "slack", "--clock", "yesterday"], "--clock yesterday: give a time"),
        (["twins", "seed", "--control", "nowhere"], "--control nowhere: give a URL"),
        (["twins", "score", "slack", "-r", "/dev/null"], "/dev/null: there is no recorded"),
        (["twins", "pack", "slack", "--out", "/proc/x.pyz"], "/proc/x.pyz: no such file"),
        (["twins", "record", "slack", "https://x.invalid", "--port", "0", "--out", "/proc/x"],
         "/proc/x: no such file"),
        (["pipeline", "show", "{dot}", "--svg", "/proc/x.svg"], "/proc/x.svg: no such file"),
        (["pipeline", "run", "{dot}", "--simulate", "--run-dir", "/proc/x"], "/proc/x: no such"),
        (["pipeline", "run", "{dot}", "--simulate", "--usd", "some"], "--usd some: give an amount"),
    ],
)  # fmt: skip
def test_values_and_places_that_do_not_do_are_named(
    tmp_path: Path, args: list[str], said: str
) -> None:
    dot = tmp_path / "g.dot"
    dot.write_text("digraph g { start [shape=Mdiamond]; exit [shape=Msquare]; start -> exit }")
    result = run(*(arg.format(dot=dot) for arg in args))
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stderr.count("\n") == 1
    assert "Errno" not in result.stderr


def test_an_init_that_fails_leaves_no_part_of_a_factory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copytree = shutil.copytree

    def full(source: Path, target: Path, **options: object) -> object:
        if target.name == "twins":
            raise OSError(errno.ENOSPC, "No space left on device", str(source), None, str(target))
        return copytree(source, target, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(shutil, "copytree", full)
    result = run("init", str(tmp_path / "f"))
    assert result.exit_code == 2
    assert result.stderr.startswith(f"{tmp_path / 'f' / 'twins'}: no space left on device")
    assert list((tmp_path / "f").iterdir()) == []
    monkeypatch.undo()
    assert run("init", str(tmp_path / "f")).exit_code == 0
