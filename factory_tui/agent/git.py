"""Git as a store of trees, run so that nothing it stores can make it do anything.

Only plumbing on a bare repository: no working tree, no hooks, no attributes, no filters, and no
configuration but what is set here. What a builder writes reaches git as bytes on a pipe.
"""

import os
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ["EMPTY_TREE", "Entry", "GitError", "Repository"]

EMPTY_TREE: Final = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"

_CONFIG: Final = (
    "core.hooksPath=/dev/null",
    "core.attributesFile=/dev/null",
    "core.fsmonitor=false",
    # These reject names that are only a danger on other systems, and a builder may use them.
    "core.protectNTFS=false",
    "core.protectHFS=false",
    "gc.auto=0",
    # The store speaks of trees by name: after a power cut they must be there.
    "core.fsync=loose-object,pack,reference",
    "safe.directory=*",
)


class GitError(RuntimeError):
    """Git is missing or failed; the message is its own."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a tree.

    ``mode`` is ``100644``, ``100755`` or ``120000`` (a symbolic link); ``path`` is relative and
    may hold any byte but NUL.
    """

    mode: str
    blob: str
    path: bytes


@dataclass(frozen=True, slots=True)
class Repository:
    """A bare repository; ``path`` is its directory."""

    path: Path

    def create(self) -> None:
        """Set the repository up if it is not there."""
        if (self.path / "HEAD").exists():
            return
        self.path.mkdir(parents=True, exist_ok=True)
        self.run("init", "-q", "--bare", "--template=", "--initial-branch=main", ".")

    def run(self, *arguments: str, stdin: bytes = b"", index: Path | None = None) -> bytes:
        """Run a git command in the repository; gives what it printed.

        Raises:
            GitError: It failed.
        """
        return run_git(
            *arguments,
            stdin=stdin,
            cwd=self.path,
            env={"GIT_DIR": "."} | ({"GIT_INDEX_FILE": os.fspath(index)} if index else {}),
        )

    def write_blobs(self, contents: Sequence[bytes]) -> list[str]:
        """Store contents; gives their ids in order. One process for any number of them."""
        if not contents:
            return []
        stream = bytearray()
        for number, content in enumerate(contents, 1):
            stream += b"blob\nmark :%d\ndata %d\n" % (number, len(content))
            stream += content
            stream += b"\nget-mark :%d\n" % number
        stream += b"done\n"
        printed = self.run(
            "fast-import", "--quiet", "--done", "--cat-blob-fd=1", stdin=bytes(stream)
        )
        return printed.decode("ascii").split()

    def write_tree(self, entries: Iterable[Entry]) -> str:
        """Store a tree; gives its id."""
        listing = b"".join(
            b"%s %s\t%s\0" % (entry.mode.encode(), entry.blob.encode(), entry.path)
            for entry in entries
        )
        if not listing:
            return self.run("mktree", "-z").decode().strip()
        index = self.path / f"index.{os.getpid()}"
        index.unlink(missing_ok=True)
        try:
            self.run("update-index", "-z", "--index-info", stdin=listing, index=index)
            return self.run("write-tree", index=index).decode().strip()
        finally:
            index.unlink(missing_ok=True)

    def read_tree(self, tree: str) -> list[Entry]:
        """All files of a tree or a commit."""
        entries = []
        for line in self.run("ls-tree", "-r", "-z", "--full-tree", tree).split(b"\0"):
            if line:
                meta, path = line.split(b"\t", 1)
                mode, kind, blob = meta.decode().split()
                if kind == "blob":
                    entries.append(Entry(mode, blob, path))
        return entries

    def portions(self, entries: Sequence[Entry], most: int) -> Iterator[list[Entry]]:
        """Entries in portions whose contents have no more than so many bytes, if they can be."""
        asked = "".join(f"{entry.blob}\n" for entry in entries).encode()
        check = "--batch-check=%(objectsize)"
        printed = self.run("cat-file", check, stdin=asked) if entries else b""
        portion: list[Entry] = []
        held = 0
        for entry, line in zip(entries, printed.split(b"\n"), strict=False):
            size = int(line) if line.isdigit() else 0  # what is missing is told when it is read
            if portion and held + size > most:
                yield portion
                portion, held = [], 0
            portion.append(entry)
            held += size
        if portion:
            yield portion

    def read_blobs(self, blobs: Sequence[str]) -> list[bytes]:
        """Contents by id, in order."""
        if not blobs:
            return []
        asked = "".join(f"{blob}\n" for blob in blobs).encode()
        printed = self.run("cat-file", "--batch", stdin=asked)
        contents, at = [], 0
        for blob in blobs:
            end = printed.index(b"\n", at)
            header = printed[at:end].split()
            if len(header) != 3:
                raise GitError(f"object {blob} is missing from {self.path}")
            size = int(header[2])
            contents.append(printed[end + 1 : end + 1 + size])
            at = end + 1 + size + 1
        return contents

    def resolve(self, name: str) -> str:
        """The id a name stands for, "" where there is nothing of that name."""
        try:
            return self.run("rev-parse", "--verify", "-q", name).decode().strip()
        except GitError:
            return ""


def run_git(
    *arguments: str, stdin: bytes = b"", cwd: Path, env: dict[str, str] | None = None
) -> bytes:
    """Run git with nothing but the settings of this module.

    Raises:
        GitError: Git is missing or failed.
    """
    configured = [word for setting in _CONFIG for word in ("-c", setting)]
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": os.fspath(cwd),
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_AUTHOR_NAME": "factory-tui builder",
        "GIT_AUTHOR_EMAIL": "builder@factory.invalid",
        "GIT_COMMITTER_NAME": "factory-tui builder",
        "GIT_COMMITTER_EMAIL": "builder@factory.invalid",
        **(env or {}),
    }
    try:
        done = subprocess.run(
            ["git", *configured, *arguments],
            input=stdin,
            capture_output=True,
            cwd=cwd,
            env=environment,
            check=False,
        )
    except FileNotFoundError:
        raise GitError("git is not installed") from None
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip()
        raise GitError(f"git {arguments[0]} failed: {said or f'exit code {done.returncode}'}")
    return done.stdout
