"""What the documentation names is there: tests, files, links, sections, commands and options."""

import ast
import functools
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from factory_tui.cli import main

ROOT = Path(__file__).resolve().parents[1]
DOCS = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "twins").glob("**/*.md")),
    *sorted((ROOT / "examples").glob("*.md")),
    *sorted((ROOT / "examples").glob("*/*.md")),
    ROOT / "scenarios" / "README.md",
]
LETTERS = {
    "C": "tests/llm/test_unified_client.py",
    "M": "tests/llm/test_unified_content.py",
    "G": "tests/llm/test_unified_generate.py",
}
SECTIONS = {
    "Attractor": "tests/attractor",
    "Agent": "tests/agent",
    "LLM": "tests/llm",
    "Factory": "tests/engine",
}
"""What docs/conformance.md abbreviates: files, and the folder of each section."""

CODE = re.compile(r"`([^`\n]+)`")
TEST = re.compile(r"(?P<file>[\w./-]*test_\w+\.py)(?:::(?P<of>test_\w+))?|(?P<name>test_\w+)")
PATH = re.compile(r"[\w.*-]+(?:/[\w.*-]+)*/?")
LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")

every_page = pytest.mark.parametrize(
    "page", DOCS, ids=[str(page.relative_to(ROOT)) for page in DOCS]
)


@functools.cache
def functions_of(file: Path) -> frozenset[str]:
    """The test functions of a file, methods of test classes included."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    groups: list[ast.Module | ast.ClassDef] = [tree, *classes]
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    names = (node.name for group in groups for node in group.body if isinstance(node, functions))
    return frozenset(name for name in names if name.startswith("test_"))


@functools.cache
def files_of_tests() -> tuple[Path, ...]:
    """All test files."""
    found = (ROOT / "tests").glob("**/test_*.py")
    return tuple(path for path in found if "node_modules" not in path.parts)


def named_tests(page: Path, text: str) -> Iterator[tuple[int, str, list[Path], str]]:
    """Every test that a page names: line, as it says it, files it may be in, function or ""."""
    section = ""
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("## "):
            section = line[3:].strip()
        letter = ""
        for code in CODE.finditer(line):
            before = re.search(r"(?:^|[\s|;,])([CMG]) $", line[: code.start()])
            letter = before[1] if before else letter
            named = TEST.fullmatch(code[1])
            if named is None:
                continue
            file = named["file"] or (LETTERS[letter] if letter and section == "LLM" else "")
            if "/" in file:
                where = [ROOT / file]
            elif file:
                where = [path for path in files_of_tests() if path.name == file]
            else:
                folder = (
                    SECTIONS.get(section, "tests") if page.name == "conformance.md" else "tests"
                )
                if page.parent.parent.name == "twins":
                    folder = f"tests/twins/{page.parent.name}"
                where = [path for path in files_of_tests() if path.is_relative_to(ROOT / folder)]
            yield number, code[1], where, named["of"] or named["name"] or ""


def missing_tests(page: Path, text: str) -> list[str]:
    """Those that do not exist, with their lines."""
    missing = []
    for number, said, where, name in named_tests(page, text):
        files = [path for path in where if path.is_file()]
        if not files or (name and not any(name in functions_of(path) for path in files)):
            missing.append(f"{page.name}:{number}: {said}")
    return missing


def outside_blocks(text: str) -> Iterator[tuple[int, str]]:
    """The numbered lines that stand in no fenced block."""
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("```"):
            inside = not inside
        elif not inside:
            yield number, line


def anchors(page: Path) -> set[str]:
    """What a link to a section of a page may say."""
    heads = (line for _, line in outside_blocks(page.read_text("utf-8")) if line.startswith("#"))
    words = (re.sub(r"[^\w\- ]", "", head.lstrip("#").strip().lower()) for head in heads)
    return {word.replace(" ", "-") for word in words}


def dead_links(page: Path, text: str) -> list[str]:
    """Relative links that lead nowhere, with their lines."""
    dead = []
    for number, line in outside_blocks(text):
        for link in LINK.finditer(line):
            if re.match(r"[a-z]+:", link[1]):
                continue
            path, _, section = link[1].partition("#")
            target = (page.parent / path).resolve() if path else page
            there = target.is_relative_to(ROOT) and target.exists()
            if not there or (section and section not in anchors(target)):
                dead.append(f"{page.name}:{number}: {link[1]}")
    return dead


def missing_paths(page: Path, text: str) -> list[str]:
    """Files and folders of the repository that a page names and that are not there.

    A word in code is one if it begins with a folder of the repository, of the package or of the
    page, or ends as source files do.
    """
    roots = (page.parent, ROOT, ROOT / "factory_tui")
    missing = []
    for number, line in outside_blocks(text):
        for code in CODE.finditer(line):
            said = code[1].partition("::")[0]
            if not PATH.fullmatch(said):
                continue
            first = said.partition("/")[0]
            ours = "/" in said and any((root / first).is_dir() for root in roots)
            if not (ours or re.search(r"\w\.(?:py|dot)$", said)) or first == "runs":
                continue
            there = any(next(root.glob(said.rstrip("/")), None) for root in roots)
            by_name = "/" not in said and any(
                next((ROOT / place).glob(f"**/{said}"), None) for place in ("factory_tui", "twins")
            )
            named = "/" not in said and any(path.name == said for path in files_of_tests())
            if not (there or by_name or named):
                missing.append(f"{page.name}:{number}: {said}")
    return missing


def commands(text: str) -> Iterator[tuple[int, str]]:
    """Each command line of factory-tui that a page shows: in a block of its own or as code.

    In a block it ends where its explanation begins, after two blanks.
    """
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("```"):
            inside = not inside
        elif inside and line.startswith("factory-tui"):
            yield number, re.split(r"\s{2,}|&&|#", line)[0].strip()
        elif not inside:
            codes = (code[1] for code in CODE.finditer(line))
            yield from (
                (number, code if code.startswith("factory-tui") else f"factory-tui {code}")
                for code in codes
                if re.match(r"factory-tui\b(?! \d)|(?:twins|pipeline) [a-z]", code)
            )


def mistake(line: str) -> str:
    """What a command line has that the program lacks, as click says it; "" if nothing.

    ``a|b`` stands for either, ``[…]`` for what may be left out.
    """
    words = shlex.split(re.sub(r"[\[\]]", "", line))[1:]
    at = next((n for n, word in enumerate(words) if "|" in word and word[0] != "-"), None)
    if at is not None:
        each = ([*words[:at], one, *words[at + 1 :]] for one in words[at].split("|"))
        return next(filter(None, (mistake(shlex.join(["factory-tui", *one])) for one in each)), "")
    words = [one for word in words for one in (word.split("|") if word[0] == "-" else [word])]
    command: click.Command = main
    context = click.Context(main, info_name="factory-tui")
    try:
        while True:
            _, words, _ = command.make_parser(context).parse_args(words)
            if not (isinstance(command, click.Group) and words):
                break
            name, found, words = command.resolve_command(context, words)
            assert found is not None
            command, context = found, click.Context(found, context, name)
    except click.UsageError as error:
        return error.format_message()
    return f"{' '.join(words)} is too much" if words else ""


def wrong_commands(page: Path, text: str) -> list[str]:
    """Command lines that the program would not take, with their lines."""
    told = ((number, line, mistake(line)) for number, line in commands(text))
    return [f"{page.name}:{number}: {line}: {wrong}" for number, line, wrong in told if wrong]


@every_page
def test_every_command_that_is_shown_exists(page: Path) -> None:
    assert wrong_commands(page, page.read_text("utf-8")) == []


@every_page
def test_every_test_that_is_named_exists(page: Path) -> None:
    assert missing_tests(page, page.read_text("utf-8")) == []


@every_page
def test_every_link_leads_somewhere(page: Path) -> None:
    assert dead_links(page, page.read_text("utf-8")) == []


@every_page
def test_every_path_that_is_named_exists(page: Path) -> None:
    assert missing_paths(page, page.read_text("utf-8")) == []


def test_the_rooms_are_those_there_are() -> None:
    """docs/architecture.md lists the package's rooms; none is missing and none was torn down."""
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    block = text.partition("## Rooms\n\n```\n")[2].partition("```")[0]
    listed = set(re.findall(r"^  ([a-z_]+(?:/|\.py))", block, re.MULTILINE))
    package = ROOT / "factory_tui"
    for name in listed:
        assert (package / name).exists(), name
    rooms = {f"{path.parent.name}/" for path in package.glob("*/__init__.py")}
    assert rooms <= listed


def test_what_is_wrong_is_noticed() -> None:
    """These checks can fail, and they see what they check."""
    page = ROOT / "docs" / "conformance.md"
    assert len(list(named_tests(page, page.read_text("utf-8")))) > 200
    broken = (
        "## Agent\n| `test_limits` | `test_no_such_thing` |\n"
        "## LLM\n| C `test_routing`, `test_images` | M `test_images` |\n"
        "| `tests/agent/test_patch.py::test_nothing` | `tests/agent/test_none.py` |\n"
        "`tests/agent/no.py`, `llm/`, `engine/no_such.py`, `no_such.py`, `users/me`\n"
        "[a](../README.md) [b](nowhere.md) [c](#agent) [d](architecture.md#no-such)\n"
    )
    assert missing_tests(page, broken) == [
        "conformance.md:2: test_no_such_thing",
        "conformance.md:4: test_images",
        "conformance.md:5: tests/agent/test_patch.py::test_nothing",
        "conformance.md:5: tests/agent/test_none.py",
    ]
    assert [said.partition(": ")[2] for said in missing_paths(page, broken)] == [
        *("tests/agent/test_none.py", "tests/agent/no.py", "engine/no_such.py", "no_such.py")
    ]
    shown = (
        "```\n"
        "factory-tui                the screens\n"
        "factory-tui attach|export [RUN]  # the newest\n"
        "factory-tui run [--usd N] [--plain|--jsonl]\n"
        "factory-tui pipeline check|serve FILE\n"
        "factory-tui pause|wait RUN\n"
        "```\n"
        "`factory-tui twins serve slack --clock now`, `twins serve --colour`, `factory-tui 0.1`\n"
    )
    assert [line for _, line in commands(shown)][-2:] == [
        *("factory-tui twins serve slack --clock now", "factory-tui twins serve --colour")
    ]
    wrong = [re.split(r"[.;] ", said)[0] for said in wrong_commands(page, shown)]
    assert wrong == [
        "conformance.md:4: factory-tui run [--usd N] [--plain|--jsonl]: No such option '--jsonl'",
        "conformance.md:5: factory-tui pipeline check|serve FILE: FILE is too much",
        "conformance.md:6: factory-tui pause|wait RUN: there is no command 'wait'",
        "conformance.md:8: factory-tui twins serve --colour: No such option '--colour'",
    ]
    assert dead_links(page, broken) == [
        "conformance.md:7: nowhere.md",
        "conformance.md:7: architecture.md#no-such",
    ]
