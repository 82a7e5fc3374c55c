"""The builder's workspace, and its history in a repository the builder cannot reach.

The workspace is a plain directory that code of unknown intent writes. It is snapshotted into
git trees without git ever looking at it: this module reads the files and hands git their bytes.
So no hook, attribute, filter or ``.git`` directory in there has any effect, and no link leads out.
"""

import contextlib
import hashlib
import os
import shutil
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from factory_tui.agent.git import EMPTY_TREE, Entry, GitError, Repository, run_git
from factory_tui.agent.tree import (
    IGNORED,
    File,
    Limits,
    WorkspaceError,
    WorkspaceLimit,
    read_file,
    remove,
    scan,
    write_entry,
)

__all__ = [
    "DiffStat",
    "GitError",
    "Limits",
    "Patch",
    "Workspace",
    "WorkspaceError",
    "WorkspaceLimit",
]

BRANCH: Final = "refs/heads/main"

_TICK_NS: Final = 50_000_000
"""A file changed this shortly before it was read may change again without a new time stamp."""

_AT_ONCE: Final = 32 << 20
"""Bytes of contents in memory before they go to git; the last file may be as large as it may be."""

_READ_ONLY: Final = {"100644": 0o444, "100755": 0o555}


@dataclass(frozen=True, slots=True)
class DiffStat:
    """The size of a change: files touched, lines added and removed (binary files count none)."""

    files: int
    added: int
    removed: int


@dataclass(frozen=True, slots=True)
class Patch:
    """A change from outside that was undone.

    Attributes:
        text: The change as a unified diff (with ``--binary`` data), from what the builder had.
        files: The names it touched.
        tree: The tree as it was found, which stays in the repository.
    """

    text: str
    files: list[str]
    tree: str


@dataclass(frozen=True, slots=True)
class _Known:
    stamp: tuple[int, ...]
    blob: str
    settled: bool


class Workspace:
    """A directory and its history; safe to use from several threads, one after the other.

    Args:
        root: The directory the builder works in; it has to exist once it is looked at.
        git_dir: A bare repository, outside of ``root``; it is set up if it is not there.
        limits: What the workspace may hold.
        branch: Where commits go in the repository; several workspaces may share one.

    Raises:
        ValueError: The repository would lie inside the workspace.
        GitError: Git is missing.
    """

    def __init__(
        self, root: Path, git_dir: Path, *, limits: Limits | None = None, branch: str = BRANCH
    ) -> None:
        self.root, self.git_dir = root.resolve(), git_dir.resolve()
        if self.git_dir.is_relative_to(self.root):
            raise ValueError(f"{git_dir} lies inside the workspace {root}")
        self.limits, self.branch = limits or Limits(), branch
        self._repository = Repository(self.git_dir)
        self._cache: dict[bytes, _Known] = {}
        self._blobs: set[str] = set()
        self._last: tuple[list[tuple[bytes, str, str]], str] | None = None
        self._lock = threading.RLock()
        self._repository.create()

    def snapshot(self) -> str:
        """Store the workspace as it is; gives the tree's id.

        An unchanged file is not read again, and an unchanged workspace costs no process.

        Raises:
            WorkspaceLimit: It holds too much.
            WorkspaceError: Something cannot be read.
        """
        with self._lock:
            return self._snapshot()

    def _snapshot(self) -> str:
        began = time.time_ns()
        files = scan(self.root, self.limits)
        entries: list[tuple[bytes, str, str]] = []
        cache: dict[bytes, _Known] = {}
        fresh: dict[str, bytes] = {}
        held = 0
        for file in files:
            known = self._cache.get(file.path)
            if known is None or not known.settled or known.stamp != file.stamp:
                content = read_file(self.root, file, self.limits)
                if content is None:
                    continue
                blob = _blob_id(content)
                if blob not in self._blobs:
                    fresh[blob] = content
                    held += len(content)
                if held > _AT_ONCE:
                    self._store(fresh)
                    fresh, held = {}, 0
                known = _Known(file.stamp, blob, _settled(file, began))
            cache[file.path] = known
            entries.append((file.path, file.mode, known.blob))
        self._store(fresh)
        self._cache = cache
        if self._last is None or self._last[0] != entries:
            tree = self._repository.write_tree(
                Entry(mode, blob, path) for path, mode, blob in entries
            )
            self._last = (entries, tree)
        return self._last[1]

    def _store(self, fresh: dict[str, bytes]) -> None:
        written = self._repository.write_blobs(list(fresh.values()))
        if written != list(fresh):
            raise GitError("git stored other contents than it was given")
        self._blobs.update(written)

    def head(self) -> str:
        """The last commit, "" before the first."""
        return self._repository.resolve(self.branch)

    def subject(self, commit: str) -> str:
        """The first line of a commit's message."""
        shown = self._repository.run("log", "-1", "--format=%s", commit)
        return shown.decode("utf-8", "replace").strip()

    def tree_of(self, commit: str) -> str:
        """The tree of a commit.

        Raises:
            GitError: There is no such commit.
        """
        return self._repository.run("rev-parse", "--verify", f"{commit}^{{tree}}").decode().strip()

    def parent(self, commit: str) -> str:
        """The commit before a commit, "" before the first."""
        return self._repository.resolve(f"{commit}^")

    def commit(self, message: str, *, onto: str | None = None) -> str:
        """Snapshot the workspace and commit it on top of the last commit; gives its id.

        ``onto`` is another commit to put it on ("" for none); the branch is moved there.

        An iteration that changed nothing gets a commit as well.
        """
        with self._lock:
            return self._commit(message, onto)

    def _commit(self, message: str, onto: str | None) -> str:
        tree, head = self._snapshot(), self.head()
        parent = head if onto is None else onto
        parents = ["-p", parent] if parent else []
        made = self._repository.run(
            "commit-tree", tree, *parents, stdin=message.encode("utf-8", "replace")
        )
        commit = made.decode().strip()
        self._repository.run("update-ref", self.branch, commit, head or "0" * 40)
        return commit

    def diff_stat(self, old: str, new: str) -> DiffStat:
        """The size of the change between two trees or commits; "" stands for nothing."""
        printed = self._repository.run(
            "diff-tree", "-r", "-z", "--numstat", "--no-renames", old or EMPTY_TREE,
            new or EMPTY_TREE,
        )  # fmt: skip
        added = removed = files = 0
        for line in filter(None, printed.split(b"\0")):
            plus, minus, _ = line.split(b"\t", 2)
            files += 1
            added += int(plus) if plus.isdigit() else 0
            removed += int(minus) if minus.isdigit() else 0
        return DiffStat(files, added, removed)

    def diff(self, old: str, new: str) -> str:
        """The change between two trees or commits as a unified diff; "" stands for nothing."""
        return self._repository.run(
            "diff-tree", "-r", "-p", "--binary", "--no-renames", "--no-ext-diff",
            "--no-textconv", "--no-color", old or EMPTY_TREE, new or EMPTY_TREE,
        ).decode("utf-8", "replace")  # fmt: skip

    def restore(self, tree: str) -> Patch | None:
        """Undo whatever has changed since a snapshot; None where nothing has.

        Files come back exactly, modes and links included. Directories that hold no file are not
        part of a tree and stay.

        Raises:
            WorkspaceError: A file cannot be written.
        """
        with self._lock:
            return self._restore(tree)

    def _restore(self, tree: str) -> Patch | None:
        found = self._snapshot()
        if found == tree:
            return None
        wanted = {entry.path: entry for entry in self._repository.read_tree(tree)}
        present = {entry.path: entry for entry in self._repository.read_tree(found)}
        text = self.diff(tree, found)
        for path in present.keys() - wanted.keys():
            remove(self.root, path)
        lost = [entry for path, entry in wanted.items() if present.get(path) != entry]
        for some in self._repository.portions(lost, _AT_ONCE):
            contents = self._repository.read_blobs([entry.blob for entry in some])
            for entry, content in zip(some, contents, strict=True):
                write_entry(self.root, entry.path, entry.mode, content)
        if self._snapshot() != tree:
            raise WorkspaceError("the workspace changed while a change from outside was undone")
        changed = {
            path for path in wanted.keys() | present.keys() if wanted.get(path) != present.get(path)
        }
        names = sorted(path.decode("utf-8", "backslashreplace") for path in changed)
        return Patch(text, names, found)

    def checkout(self, commit: str, target: Path) -> Path:
        """Write the files of a commit or tree to a new directory, read-only.

        A directory that is there already is taken to be complete: it appears in one step.
        """
        if target.exists():
            return target
        target.parent.mkdir(parents=True, exist_ok=True)
        entries = self._repository.read_tree(commit)
        partial = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
        try:
            partial.chmod(0o755)
            for some in self._repository.portions(entries, _AT_ONCE):
                contents = self._repository.read_blobs([entry.blob for entry in some])
                for entry, content in zip(some, contents, strict=True):
                    write_entry(partial, entry.path, entry.mode, content, permissions=_READ_ONLY)
            try:
                partial.rename(target)
            except OSError:
                if not target.exists():
                    raise
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        return target

    def export(self, target: Path) -> Path:
        """Write the history as an ordinary git repository with its files, and no remote.

        Raises:
            WorkspaceError: The target exists and is not an empty directory, or there is no commit.
        """
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise WorkspaceError(f"{target} already exists and is not empty")
        if not self.head():
            raise WorkspaceError("there is no product yet: nothing has been committed")
        target.parent.mkdir(parents=True, exist_ok=True)
        target = target.resolve()
        run_git(
            "clone", "-q", "--no-hardlinks", "--template=", "--branch=main", "--single-branch",
            "--", os.fspath(self.git_dir), os.fspath(target), cwd=target.parent,
        )  # fmt: skip
        run_git("remote", "remove", "origin", cwd=target)
        return target

    def seed_from(self, source: Path) -> int:
        """Copy an existing code base into the empty workspace; gives the number of files.

        Of a git repository come the files it tracks or would track, of any other directory all
        files. Links stay links.

        Raises:
            WorkspaceLimit: It is too large.
            WorkspaceError: It cannot be read, or the workspace is not empty.
        """
        if not source.is_dir():
            raise WorkspaceError(f"{source} is not a directory")
        if scan(self.root, self.limits):
            raise WorkspaceError("the workspace is not empty")
        files = scan(source, self.limits, ignored=IGNORED | _kept_out(source))
        tracked = _tracked(source)
        copied = 0
        for file in files:
            if tracked is not None and file.path not in tracked:
                continue
            content = read_file(source, file, self.limits)
            if content is not None:
                write_entry(self.root, file.path, file.mode, content)
                copied += 1
        return copied


def _blob_id(content: bytes) -> str:
    """The id git gives a content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _settled(file: File, now_ns: int) -> bool:
    return max(file.stamp[0], file.stamp[1]) < now_ns - _TICK_NS


def _kept_out(source: Path) -> frozenset[bytes]:
    """Names that are large and never part of a code base, where nothing says what is."""
    return frozenset() if (source / ".git").exists() else frozenset({b"node_modules", b".venv"})


def _tracked(source: Path) -> set[bytes] | None:
    """The files of a git repository, ignored ones left out; None if it is none."""
    if not (source / ".git").exists():
        return None
    with contextlib.suppress(GitError):
        listed = run_git("ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=source)
        return set(filter(None, listed.split(b"\0")))
    return None
