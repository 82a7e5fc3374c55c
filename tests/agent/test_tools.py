"""The tools, as a model uses them: by name and arguments, through the environment."""

import os
from pathlib import Path
from typing import Any

import pytest

from factory_tui.agent import (
    ExecResult,
    RegisteredTool,
    SessionConfig,
    ToolError,
    ToolRegistry,
    coding_tools,
)
from factory_tui.llm import Tool
from tests.agent.fakes import LocalEnvironment


class Box:
    def __init__(self, environment: LocalEnvironment) -> None:
        self.environment, self.root = environment, environment.root
        self.registry = ToolRegistry(coding_tools())

    async def __call__(self, name: str, **arguments: Any) -> str:
        return await self.registry.execute(name, arguments, self.environment, SessionConfig())

    async def fails(self, name: str, **arguments: Any) -> str:
        with pytest.raises(ToolError) as caught:
            await self(name, **arguments)
        return str(caught.value)


@pytest.fixture
def box(environment: LocalEnvironment) -> Box:
    return Box(environment)


async def test_read_numbers_lines_and_pages(box: Box) -> None:
    (box.root / "f").write_text("".join(f"line {n}\n" for n in range(1, 6)))
    assert await box("read_file", file_path="f", offset=2, limit=2) == (
        "  2 | line 2\n  3 | line 3\n[lines 2-3 of 5]"
    )
    assert (await box("read_file", file_path=str(box.root / "f"))).endswith("  5 | line 5")
    assert "only 5 lines" in await box.fails("read_file", file_path="f", offset=6)


async def test_read_says_why_it_cannot(box: Box) -> None:
    (box.root / "sub").mkdir()
    (box.root / "sub" / "Main.py").write_text("x")
    (box.root / "bin").write_bytes(b"\0\1")
    (box.root / "empty").write_text("")
    os.mkfifo(box.root / "pipe")
    assert "did you mean sub/Main.py?" in await box.fails("read_file", file_path="main.py")
    assert "binary file" in await box.fails("read_file", file_path="bin")
    assert "is a directory" in await box.fails("read_file", file_path="sub")
    assert "not a regular file" in await box.fails("read_file", file_path="pipe")
    assert await box("read_file", file_path="empty") == "(the file is empty)"


async def test_paths_stay_in_the_workspace(box: Box, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hush")
    (box.root / "link").symlink_to(tmp_path / "secret")
    (box.root / "dir").symlink_to(tmp_path)
    for path in ("../secret", str(tmp_path / "secret"), "link", "dir/secret", "/etc/passwd"):
        assert "outside the workspace" in await box.fails("read_file", file_path=path)
        said = await box.fails("write_file", file_path=path, content="x")
        assert "outside the workspace" in said
        said = await box.fails("edit_file", file_path=path, old_string="a", new_string="b")
        assert "outside the workspace" in said
    assert (tmp_path / "secret").read_text() == "hush"
    assert "hush" not in await box("grep", pattern="hush")


async def test_write_creates_directories_and_keeps_the_mode(box: Box) -> None:
    assert await box("write_file", file_path="a/b/run", content="#!/bin/sh\n") == (
        "Created a/b/run (10 bytes)"
    )
    (box.root / "a/b/run").chmod(0o755)
    assert "Replaced" in await box("write_file", file_path="a/b/run", content="ünïcödé\n")
    assert (box.root / "a/b/run").read_text() == "ünïcödé\n"
    assert os.access(box.root / "a/b/run", os.X_OK)
    assert "is a directory" in await box.fails("write_file", file_path="a", content="")


async def test_edit_is_exact(box: Box) -> None:
    file = box.root / "f.py"
    file.write_bytes(b"a = 1\nb = 1\n\xff\n")
    said = await box.fails("edit_file", file_path="f.py", old_string="= 1", new_string="= 2")
    assert "occurs 2 times" in said
    assert "lines 1, 2" in said
    await box("edit_file", file_path="f.py", old_string="a = 1", new_string="a = 2")
    assert file.read_bytes() == b"a = 2\nb = 1\n\xff\n"
    done = await box(
        "edit_file", file_path="f.py", old_string=" = ", new_string="=", replace_all=True
    )
    assert done == "Replaced 2 occurrences in f.py"
    assert file.read_bytes() == b"a=2\nb=1\n\xff\n"
    missing = await box.fails("edit_file", file_path="f.py", old_string="A=2", new_string="")
    assert "not found" in missing
    assert "the same" in await box.fails(
        "edit_file", file_path="f.py", old_string="a", new_string="a"
    )


async def test_edit_fits_the_files_line_ends(box: Box) -> None:
    (box.root / "dos").write_bytes(b"one\r\ntwo\r\nthree\r\n")
    await box("edit_file", file_path="dos", old_string="one\ntwo", new_string="1\n2")
    assert (box.root / "dos").read_bytes() == b"1\r\n2\r\nthree\r\n"


async def test_grep_modes(box: Box) -> None:
    (box.root / "src").mkdir()
    (box.root / "src" / "a.py").write_text("import os\nimport sys\n")
    (box.root / "src" / "b.txt").write_text("IMPORT\n")
    (box.root / ".git").mkdir()
    (box.root / ".git" / "x").write_text("import hidden\n")
    assert await box("grep", pattern="^import") == "src/a.py:1:import os\nsrc/a.py:2:import sys"
    found = await box(
        "grep", pattern="import", case_insensitive=True, output_mode="files_with_matches"
    )
    assert found == "src/a.py\nsrc/b.txt"
    assert await box("grep", pattern="import", path="src", output_mode="count") == "src/a.py:2"
    assert await box("grep", pattern="(?i)import", glob_filter="*.txt") == "src/b.txt:1:IMPORT"
    assert "1 more results" in await box("grep", pattern="import", max_results=1)
    assert await box("grep", pattern="nowhere") == "No matches found"
    assert "bad regular expression" in await box.fails("grep", pattern="(")


async def test_glob_newest_first(box: Box) -> None:
    for number, name in enumerate(["old.py", "pkg/mid.py", "pkg/deep/new.py", "pkg/x.txt"]):
        path = box.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
        os.utime(path, (number, number))
    assert await box("glob", pattern="**/*.py") == "pkg/deep/new.py\npkg/mid.py\nold.py"
    assert await box("glob", pattern="*.py") == "old.py"
    assert await box("glob", pattern="*.{py,txt}", path="pkg") == "pkg/x.txt\npkg/mid.py"
    assert await box("glob", pattern=f"{box.root}/pkg/m*") == "pkg/mid.py"
    assert await box("glob", pattern="[!o]*.rs") == "No files found"


async def test_shell_reports_output_errors_and_exit(box: Box) -> None:
    assert (await box("shell", command="echo out; pwd")).startswith(
        f"out\n{box.root}\n[exit code 0"
    )
    said = await box.fails("shell", command="echo out; echo err >&2; exit 3")
    assert "out\n[stderr]\nerr\n[exit code 3" in said
    said = await box.fails("shell", command="echo begun; sleep 30", timeout_ms=300)
    assert said.startswith("begun\n[ERROR: Command timed out after 300ms.")


async def test_the_models_time_limit_is_capped(environment: LocalEnvironment) -> None:
    asked = []

    class Watching:
        async def exec(self, argv: Any, *, stdin: bytes = b"", timeout_s: float = 0) -> ExecResult:
            asked.append(timeout_s)
            return ExecResult(0)

    registry = ToolRegistry(coding_tools())
    config = SessionConfig(default_command_timeout_ms=1_500, max_command_timeout_ms=9_000)
    await registry.execute("shell", {"command": "x"}, Watching(), config)
    await registry.execute("shell", {"command": "x", "timeout_ms": 99_000}, Watching(), config)
    assert asked == [1.5, 9.0]


@pytest.mark.parametrize(
    ("done", "said"),
    [
        (ExecResult(None, "memory"), "stopped by the memory limit"),
        (ExecResult(1, "", "", "Traceback\nMemoryError"), "MemoryError"),
        (ExecResult(0, "", "not json"), "exit code 0"),
        (ExecResult(0, "", '{"ok": true}'), "did not finish"),
    ],
)
async def test_a_file_tool_that_dies_in_the_box_is_an_error(done: ExecResult, said: str) -> None:
    class Broken:
        async def exec(self, argv: Any, *, stdin: bytes = b"", timeout_s: float = 0) -> ExecResult:
            return done

    with pytest.raises(ToolError, match=said):
        await ToolRegistry(coding_tools()).execute(
            "read_file", {"file_path": "x"}, Broken(), SessionConfig()
        )


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("read_file", {}, "'file_path' is a required property"),
        ("read_file", {"file_path": 3}, "file_path: 3 is not of type 'string'"),
        ("read_file", {"file_path": "x", "limit": 0}, "limit: 0 is less than the minimum"),
        ("shell", {"command": "x", "cwd": "/"}, "'cwd' was unexpected"),
        ("grep", {"pattern": "x", "output_mode": "all"}, "is not one of"),
        ("read_file", ["x"], "is not of type 'object'"),
        ("browse", {}, "Unknown tool: browse. Available: read_file"),
    ],
)
async def test_arguments_are_checked_before_anything_runs(
    box: Box, name: str, arguments: Any, said: str
) -> None:
    with pytest.raises(ToolError) as caught:
        await box.registry.execute(name, arguments, box.environment, SessionConfig())
    assert said in str(caught.value)
    assert box.environment.commands == []


async def test_a_tool_of_ones_own_replaces_one_of_the_same_name(box: Box) -> None:
    async def run(arguments: dict[str, Any], *_: Any) -> str:
        return f"searched {arguments['pattern']}"

    box.registry.register(
        RegisteredTool(Tool("grep", "Mine", {"type": "object", "properties": {}}), run)
    )
    assert await box("grep", pattern="x") == "searched x"
    assert box.registry.names().count("grep") == 1
    box.registry.unregister("grep")
    assert box.registry.get("grep") is None
