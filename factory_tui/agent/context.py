"""What a model is told about where it works. Sections 6.3 to 6.5 of the specification."""

import datetime
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final

from factory_tui.agent.environment import resolved
from factory_tui.llm import get_model_info

__all__ = [
    "GitContext",
    "discover_project_docs",
    "environment_block",
    "git_context",
]

DOCS_BUDGET: Final = 32 * 1024
"""Bytes of project instructions a prompt carries."""
CUT_MARK: Final = "[Project instructions truncated at 32KB]"


@dataclass(frozen=True, slots=True)
class GitContext:
    """A snapshot of the repository; all empty where there is none."""

    root: str = ""
    branch: str = ""
    changed: int = 0
    untracked: int = 0
    commits: tuple[str, ...] = ()


async def _output(env: Any, command: str) -> str | None:
    try:
        done = await resolved(env.exec_command(command, timeout_ms=10_000))
    except (OSError, ValueError):
        return None
    return done.stdout if done.exit_code == 0 else None


async def git_context(env: Any) -> GitContext:
    """The repository an environment's working directory is in."""
    git = "git -c core.fsmonitor=false"
    root = await _output(env, f"{git} rev-parse --show-toplevel")
    if root is None:
        return GitContext()
    status = await _output(env, f"{git} status --porcelain=v1 --branch") or ""
    head, *changes = status.splitlines() or ["## "]
    branch = head.removeprefix("## ").removeprefix("No commits yet on ").split("...")[0]
    log = await _output(env, f"{git} log --oneline -n 10 --no-decorate") or ""
    untracked = sum(line.startswith("??") for line in changes)
    return GitContext(
        root.strip(), branch, len(changes) - untracked, untracked, tuple(log.splitlines())
    )


def environment_block(env: Any, model: str, git: GitContext | None = None) -> str:
    """The ``<environment>`` block of a system prompt, and the repository's state below it."""
    git = git or GitContext()
    info = get_model_info(model)
    lines = [
        f"Working directory: {env.working_directory()}",
        f"Is git repository: {str(bool(git.root)).lower()}",
        *([f"Git branch: {git.branch}"] if git.root else []),
        f"Platform: {env.platform()}",
        f"OS version: {env.os_version()}",
        f"Today's date: {datetime.date.today().isoformat()}",
        f"Model: {info.display_name if info else model}",
        "Knowledge cutoff: unknown",
    ]
    text = "\n".join(["<environment>", *lines, "</environment>"])
    if git.root:
        state = [f"{git.changed} changed and {git.untracked} untracked files when you started."]
        if git.commits:
            state += ["Recent commits:", *git.commits]
        text += "\n\n# Git\n" + "\n".join(state)
    return text


async def discover_project_docs(
    env: Any, names: Sequence[str] = ("AGENTS.md",), root: str = ""
) -> str:
    """Instruction files from the repository's root down to the working directory, joined.

    Args:
        env: Where to look.
        names: The files' names.
        root: The repository's root; without one, only the working directory counts.

    Deeper files come later, so that they win. More than 32 KB is cut, with a mark.
    """
    here = PurePosixPath(env.working_directory())
    top = PurePosixPath(root) if root else here
    folders = [here]
    if here != top and here.is_relative_to(top):
        between = here.relative_to(top).parts
        folders = [top.joinpath(*between[:n]) for n in range(len(between) + 1)]
    found = []
    for folder in folders:
        for name in names:
            path = str(folder / name)
            try:
                if not await resolved(env.file_exists(path)):
                    continue
                text = await resolved(env.read_file(path))
            except (OSError, ValueError):
                continue
            found.append(f"# Instructions from {shlex.quote(path)}\n{text.strip()}")
    joined = "\n\n".join(found)
    data = joined.encode("utf-8", "replace")
    if len(data) <= DOCS_BUDGET:
        return joined
    return data[:DOCS_BUDGET].decode("utf-8", "ignore") + f"\n{CUT_MARK}"
