"""Memory and process limits through cgroups, version 1 or 2, where this process may write them.

New groups go below the group this process is in, or the nearest one above it that works, so that
limits set on the whole application still hold. Their names say which broker owns them
(``factory-tui-<pid>-<start time>-<n>``): a later run removes those of dead owners.
"""

import contextlib
import os
import re
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING or __package__:
    from factory_tui.sandbox.broker import proc
else:  # inside the broker, whose directory is on the path
    import proc

PREFIX: Final = "factory-tui-"
_OWNER: Final = re.compile(rf"{PREFIX}(\d+)-(\d+)-")
_CONTROLLERS: Final = ("memory", "pids")
_ROOM_MB: Final = 4  # for bubblewrap's own processes
_ROOM_PIDS: Final = 8


@dataclass(slots=True)
class Group:
    """One box's groups: a directory per controller (one for both in version 2)."""

    directories: dict[str, Path]
    unified: bool

    def add(self, pid: int) -> None:
        """Move a process in; its later children are born in."""
        for directory in set(self.directories.values()):
            _write(directory / "cgroup.procs", pid)

    def processes(self) -> set[int]:
        """The processes that are in now."""
        pids: set[int] = set()
        for directory in set(self.directories.values()):
            with contextlib.suppress(OSError):
                pids |= {int(pid) for pid in (directory / "cgroup.procs").read_text().split()}
        return pids

    def out_of_memory(self) -> bool:
        """Whether the kernel has killed a process here for want of memory."""
        name = "memory.events" if self.unified else "memory.oom_control"
        return self._counter("memory", name, "oom_kill") > 0

    def out_of_processes(self) -> bool:
        """Whether the kernel has refused a fork here."""
        return self._counter("pids", "pids.events", "max") > 0

    def kill(self) -> None:
        """SIGKILL everything inside."""
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)

    def remove(self) -> bool:
        """Delete the directories; False while a process is still inside."""
        for controller, directory in list(self.directories.items()):
            try:
                directory.rmdir()
            except FileNotFoundError:
                pass
            except OSError:
                return False
            del self.directories[controller]
        return True

    def _counter(self, controller: str, name: str, key: str) -> int:
        directory = self.directories.get(controller)
        if directory is not None:
            with contextlib.suppress(OSError, ValueError):
                for line in (directory / name).read_text().splitlines():
                    word, _, value = line.partition(" ")
                    if word == key:
                        return int(value)
        return 0


@dataclass(slots=True)
class Home:
    """Where new groups can be made: a parent directory per controller."""

    parents: dict[str, Path] = field(default_factory=dict)
    unified: bool = False

    @property
    def counts_memory(self) -> bool:
        """Whether boxes get a hard limit on memory."""
        return "memory" in self.parents

    def create(self, name: str, *, memory_mb: int, pids: int) -> Group:
        """Make a group with limits.

        Raises:
            OSError: If the kernel refuses.
        """
        group = Group({}, self.unified)
        try:
            for controller, parent in self.parents.items():
                directory = parent / name
                directory.mkdir(exist_ok=True)
                group.directories[controller] = directory
                if controller == "pids":
                    _write(directory / "pids.max", pids + _ROOM_PIDS)
                else:
                    self._limit_memory(directory, (memory_mb + _ROOM_MB) << 20)
        except OSError:
            group.remove()
            raise
        return group

    def _limit_memory(self, directory: Path, limit: int) -> None:
        if self.unified:
            _write(directory / "memory.max", limit)
            swap, no_swap = directory / "memory.swap.max", 0
        else:
            _write(directory / "memory.limit_in_bytes", limit)
            swap, no_swap = directory / "memory.memsw.limit_in_bytes", limit
        if swap.exists():  # absent without swap accounting
            _write(swap, no_swap)


def find(
    *,
    mountinfo: Path = Path("/proc/self/mountinfo"),
    membership: Path = Path("/proc/self/cgroup"),
) -> Home:
    """Try out where groups with limits can be made; the result may be empty."""
    home = Home()
    for controller in _CONTROLLERS:
        for unified, parent in _candidates(controller, mountinfo, membership):
            if home.parents and unified != home.unified:
                continue
            if _works(parent, controller, unified):
                home.parents[controller] = parent
                home.unified = unified
                break
    return home


def leftovers(home: Home) -> Iterator[Group]:
    """Groups whose owner is dead, whoever made them."""
    seen: dict[str, Group] = {}
    for controller, parent in home.parents.items():
        for directory in parent.glob(f"{PREFIX}*"):
            owner = _OWNER.match(directory.name)
            if owner is not None and proc.started(int(owner[1])) != int(owner[2]):
                group = seen.setdefault(directory.name, Group({}, home.unified))
                group.directories[controller] = directory
    yield from seen.values()


def _candidates(controller: str, mountinfo: Path, membership: Path) -> Iterator[tuple[bool, Path]]:
    """Directories that might take groups for ``controller``: (is version 2, directory)."""
    own = {}
    for line in membership.read_text().splitlines():
        _, names, path = line.split(":", 2)
        own.update(dict.fromkeys(names.split(","), path))  # version 2 has the empty name
    for line in mountinfo.read_text().splitlines():
        before, _, after = line.partition(" - ")
        root, mount = before.split()[3:5]
        kind, _, options = after.split()[:3]
        unified = kind == "cgroup2"
        if not unified and (kind != "cgroup" or controller not in options.split(",")):
            continue
        path = own.get("" if unified else controller, "/")
        inner = path.removeprefix(root) if root != "/" else path
        directory = Path(mount + "/" + inner.strip("/"))
        while directory.is_relative_to(mount):
            yield unified, directory
            directory = directory.parent


def _works(parent: Path, controller: str, unified: bool) -> bool:
    """Whether a group with a limit can be made in ``parent`` and a process moved into it."""
    trial = parent / f"{PREFIX}{os.getpid()}-{proc.started(os.getpid())}-probe"
    try:
        trial.mkdir()
    except OSError:
        return False
    try:
        limit = {"pids": "pids.max", "memory": "memory.max" if unified else "memory.limit_in_bytes"}
        if not (trial / limit[controller]).exists():
            return False
        pid = os.fork()
        if pid == 0:
            try:
                _write(trial / "cgroup.procs", 0)
            except OSError:
                os._exit(1)
            os._exit(0)
        return os.waitpid(pid, 0)[1] == 0
    finally:
        with contextlib.suppress(OSError):
            trial.rmdir()


def _write(path: Path, value: int) -> None:
    # One write(2) call: the kernel reads a value per call.
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, str(value).encode())
    finally:
        os.close(descriptor)
