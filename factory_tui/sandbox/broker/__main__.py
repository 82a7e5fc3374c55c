"""Starts boxes, sets their limits before their first instruction, makes their doors, ends them.

A process of its own because

* entering a user namespace needs a single thread, and forking is cheap only from a small process;
* a box dies with the *thread* that started it, and this process has one, which stays;
* it outlives a supervisor that is killed, and then kills what that one had started.

It speaks JSON over a SOCK_SEQPACKET socket whose descriptor number and whose owner's pid are its
arguments. Requests (every one with the ``id`` of a box):

``spawn``   descriptors: [body, stdin, stdout, stderr, data ...]; the body, in a memfd because
            command lines can be long, is a :class:`Spawn`
``signal``  ``number``: to the command's process group; SIGKILL goes to everything in the box
``mint``    ``request``: a socket of the box's network, not connected, for somebody outside who
            wants to talk to a server inside

Replies:

``ready``   with the listening sockets, as descriptors, in the order asked for (the command starts
            when its supervisor writes a line to its stdin)
``failed``  with a ``reason``
``minted``  with the ``request``'s socket, or without one where that was impossible
``exited``  with ``code`` (None unless the command itself ended), ``memory`` and ``pids`` (limits
            it ran into)

Before anything else the broker says ``hello``, with ``counted``: whether cgroups count memory.

The start is gated twice. bubblewrap waits on ``--block-fd`` until limits are set, but an end of
file opens it, so a dead broker would too. The command itself therefore waits for the supervisor's
line, and an end of file there makes it exit.
"""

import contextlib
import json
import os
import resource
import selectors
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from factory_tui.sandbox.broker import cgroups, netns, proc
    from factory_tui.sandbox.broker.request import Spawn
else:  # run as a directory: its modules are top-level ones
    import cgroups
    import netns
    import proc
    from request import Spawn

_MESSAGE: Final = 65536
_DESCRIPTORS: Final = 64
_TICK_S: Final = 0.1


@dataclass(slots=True, eq=False)
class Running:
    """A box that has been started."""

    number: int
    spawn: Spawn
    process: subprocess.Popen[bytes]
    status: int  # bubblewrap's reports; -1 without it
    block: int  # open until the limits are set
    init: int = 0  # the first process inside, by its pid out here
    init_handle: int = -1  # the same as a pidfd
    group: cgroups.Group | None = None
    report: bytes = b""
    code: int | None = None
    over_memory: bool = False

    def send(self, number: int) -> None:
        """Signal the command; SIGKILL also ends bubblewrap and whatever else is in the box."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if number != signal.SIGKILL:
                if self.init:
                    os.killpg(self.init, number)
                return
        if self.init_handle >= 0:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.init_handle, signal.SIGKILL)
        if self.spawn.program is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
            if self.group is not None:
                self.group.kill()
            for pid in proc.marked(self.spawn.cookie):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
        if self.process.poll() is None:
            self.process.kill()


class Broker:
    """The event loop over one supervisor's requests and its boxes."""

    def __init__(self, control: socket.socket, supervisor: int) -> None:
        self.control = control
        self.home = cgroups.find()
        self.boxes: dict[int, Running] = {}
        self.removing: list[cgroups.Group] = []
        self.selector = selectors.DefaultSelector()
        self.selector.register(control, selectors.EVENT_READ, self._on_request)
        handle = os.pidfd_open(supervisor)
        self.selector.register(handle, selectors.EVENT_READ, self._on_supervisor_gone)
        self.alive = os.getppid() == supervisor
        self.next_look = 0.0

    def serve(self) -> None:
        """Work until the supervisor is gone; then leave nothing behind."""
        self._say({"event": "hello", "counted": self.home.counts_memory})
        while self.alive:
            waiting = bool(self.boxes or self.removing)
            for key, _ in self.selector.select(_TICK_S if waiting else None):
                if self.selector.get_map().get(key.fileobj) is key:  # not closed by an earlier one
                    key.data()
            if waiting and time.monotonic() >= self.next_look:
                self._look()
        self._end()

    # requests

    def _on_request(self) -> None:
        try:
            message, descriptors, _, _ = socket.recv_fds(
                self.control, _MESSAGE, _DESCRIPTORS, socket.MSG_CMSG_CLOEXEC
            )
        except ConnectionError:
            message, descriptors = b"", []
        if not message:
            self.alive = False
            return
        request = json.loads(message)
        try:
            if request["do"] == "spawn":
                self._spawn(request["id"], descriptors)
            elif request["do"] == "mint":
                self._mint(request["id"], request["request"])
            elif (box := self.boxes.get(request["id"])) is not None:
                box.send(request["number"])
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def _on_supervisor_gone(self) -> None:
        self.alive = False

    def _spawn(self, number: int, descriptors: list[int]) -> None:
        """Start a process; everything else happens when it reports who it is."""
        try:
            os.lseek(descriptors[0], 0, os.SEEK_SET)
            with open(descriptors[0], "rb", closefd=False) as body:
                spawn = Spawn(**json.load(body))
            box = (
                self._start_plain(number, spawn, descriptors[1:4])
                if spawn.program is None
                else self._start_bubblewrap(number, spawn, descriptors[1:4], descriptors[4:])
            )
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            self._say({"id": number, "event": "failed", "reason": str(error)})
            return
        self.boxes[number] = box
        handle = os.pidfd_open(box.process.pid)
        self.selector.register(handle, selectors.EVENT_READ, lambda: self._on_exit(box, handle))
        if spawn.program is None:
            box.init = box.process.pid
            self._settle(box)
        else:
            self.selector.register(box.status, selectors.EVENT_READ, lambda: self._on_report(box))

    def _start_bubblewrap(
        self, number: int, spawn: Spawn, stdio: list[int], data: list[int]
    ) -> Running:
        status, status_inside = os.pipe()
        block_inside, block = os.pipe()
        options = [str(data[part]) if isinstance(part, int) else part for part in spawn.options]
        options += ["--json-status-fd", str(status_inside), "--block-fd", str(block_inside)]
        # Not on the command line, which every process inside could read in /proc/1/cmdline.
        arguments = os.memfd_create("arguments")
        try:
            os.write(arguments, "\0".join(options).encode("utf-8", "surrogateescape"))
            os.lseek(arguments, 0, os.SEEK_SET)
            assert spawn.program is not None
            process = self._popen(
                [spawn.program, "--args", str(arguments), "--", *spawn.argv],
                spawn,
                stdio,
                keep=[arguments, status_inside, block_inside, *data],
                cwd="/",
                env={},
            )
        except BaseException:
            os.close(status)
            os.close(block)
            raise
        finally:
            for descriptor in (arguments, status_inside, block_inside):
                os.close(descriptor)
        os.set_blocking(status, False)
        return Running(number, spawn, process, status, block)

    def _start_plain(self, number: int, spawn: Spawn, stdio: list[int]) -> Running:
        process = self._popen(spawn.argv, spawn, stdio, keep=[], cwd=spawn.cwd, env=spawn.env)
        return Running(number, spawn, process, -1, -1)

    def _popen(
        self,
        argv: list[str],
        spawn: Spawn,
        stdio: list[int],
        *,
        keep: list[int],
        cwd: str,
        env: dict[str, str],
    ) -> subprocess.Popen[bytes]:
        become: dict[str, Any] = {}
        if spawn.user is not None:
            become = {"user": spawn.user, "group": spawn.user, "extra_groups": []}
        return subprocess.Popen(
            argv,
            stdin=stdio[0],
            stdout=stdio[1],
            stderr=stdio[2],
            pass_fds=keep,
            cwd=cwd,
            env=env,
            start_new_session=True,
            **become,
        )

    # what boxes do

    def _on_report(self, box: Running) -> None:
        """bubblewrap says which process is the first inside and, later, how the command ended."""
        try:
            piece = os.read(box.status, 4096)
        except BlockingIOError:
            piece = b""
        if not piece:
            self._drop(box.status)
            box.status = -1
            return
        *lines, box.report = (box.report + piece).split(b"\n")
        for line in lines:
            said = json.loads(line)
            if "child-pid" in said:
                box.init = said["child-pid"]
                if box.process.poll() is None:
                    self._settle(box)
            elif "exit-code" in said:
                box.code = said["exit-code"]

    def _settle(self, box: Running) -> None:
        """Limits and doors; then let bubblewrap go on."""
        try:
            box.init_handle = os.pidfd_open(box.init)
            if self.home.parents:
                box.group = self.home.create(
                    box.spawn.name, memory_mb=box.spawn.memory_mb, pids=box.spawn.pids
                )
                box.group.add(box.process.pid)
                if box.init != box.process.pid:
                    box.group.add(box.init)
        except OSError as error:
            self._say({"id": box.number, "event": "failed", "reason": f"limits: {error}"})
            box.send(signal.SIGKILL)
            return
        helper = os.fork()
        if helper == 0:
            self._help(box)
        if os.waitpid(helper, 0)[1]:
            box.send(signal.SIGKILL)  # before the block is released: an end of file means go
            box.process.wait()
        elif box.block >= 0:
            with contextlib.suppress(BrokenPipeError):
                os.write(box.block, b"x")
        _forget(box.block)
        box.block = -1

    def _help(self, box: Running) -> None:
        """In a forked child: what needs another namespace or another user. Never returns."""
        code = 1
        try:
            spawn = box.spawn
            if spawn.sockets:
                netns.enter(box.init)
            listeners = netns.listen(spawn.sockets)
            if spawn.user is not None:
                os.setgroups([])
                os.setresgid(spawn.user, spawn.user, spawn.user)
                os.setresuid(spawn.user, spawn.user, spawn.user)
            for limit, value in spawn.limits:
                ceiling = resource.prlimit(box.init, limit)[1]
                value = value if ceiling == resource.RLIM_INFINITY else min(value, ceiling)
                resource.prlimit(box.init, limit, (value, value))
            message = json.dumps({"id": box.number, "event": "ready"}).encode()
            if listeners:
                socket.send_fds(self.control, [message], [item.fileno() for item in listeners])
            else:
                self.control.send(message)
            code = 0
        except BaseException as error:
            self._say({"id": box.number, "event": "failed", "reason": str(error)})
        finally:
            os._exit(code)

    def _mint(self, number: int, request: int) -> None:
        """Answer with a socket of a box's network, made in a forked child."""
        box = self.boxes.get(number)
        helper = os.fork() if box is not None and box.init else -1
        if helper == 0:
            self._help_mint(box, number, request)
        if helper < 0 or os.waitpid(helper, 0)[1]:
            self._say({"id": number, "event": "minted", "request": request})

    def _help_mint(self, box: Running | None, number: int, request: int) -> None:
        """In a forked child. Never returns."""
        code = 1
        try:
            assert box is not None
            if box.spawn.program is not None:
                netns.enter(box.init)
            minted = netns.unconnected()
            message = json.dumps({"id": number, "event": "minted", "request": request}).encode()
            socket.send_fds(self.control, [message], [minted.fileno()])
            code = 0
        finally:
            os._exit(code)

    def _on_exit(self, box: Running, handle: int) -> None:
        self._drop(handle)
        status = box.process.wait()
        while box.status >= 0:  # what it still had to _say
            self._on_report(box)
        box.send(signal.SIGKILL)
        if box.spawn.program is None:
            box.code = status if status >= 0 else 128 - status
        group = box.group
        self._say(
            {
                "id": box.number,
                "event": "exited",
                "code": box.code,
                "memory": box.over_memory or (group is not None and group.out_of_memory()),
                "pids": group is not None and group.out_of_processes(),
            }
        )
        _forget(box.block)
        _forget(box.init_handle)
        del self.boxes[box.number]
        if group is not None and not group.remove():
            self.removing.append(group)

    def _look(self) -> None:
        """Memory of the boxes, and groups whose processes are gone by now."""
        self.next_look = time.monotonic() + _TICK_S
        self.removing = [group for group in self.removing if not group.remove()]
        uncounted = []
        for box in self.boxes.values():
            if box.group is not None and "memory" in box.group.directories:
                if box.group.out_of_memory():
                    box.over_memory = True
                    box.send(signal.SIGKILL)
            elif box.spawn.program is None:
                self._judge(box, proc.resident(proc.marked(box.spawn.cookie)))
            elif box.init:
                uncounted.append(box)
        if uncounted:
            everyone = proc.namespaces()
            for box in uncounted:
                self._judge(box, proc.resident(everyone.get(proc.namespace(box.init) or 0, ())))

    def _judge(self, box: Running, size: int) -> None:
        """Kill a box that holds more memory than it may."""
        if size > box.spawn.memory_mb << 20:
            box.over_memory = True
            box.send(signal.SIGKILL)

    # ends

    def _end(self) -> None:
        """Kill every box and remove every group."""
        for box in self.boxes.values():
            box.send(signal.SIGKILL)
        for box in self.boxes.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                box.process.wait(5)
            if box.group is not None:
                self.removing.append(box.group)
        for _ in range(50):
            self.removing = [group for group in self.removing if not group.remove()]
            if not self.removing:
                break
            time.sleep(0.05)

    def _drop(self, descriptor: int) -> None:
        self.selector.unregister(descriptor)
        os.close(descriptor)

    def _say(self, message: dict[str, Any]) -> None:
        with contextlib.suppress(ConnectionError):
            self.control.send(json.dumps(message).encode())


def _forget(descriptor: int) -> None:
    if descriptor >= 0:
        os.close(descriptor)


def main() -> None:
    """Serve the supervisor named on the command line."""
    control, supervisor = int(sys.argv[1]), int(sys.argv[2])
    Broker(socket.socket(fileno=control), supervisor).serve()


if __name__ == "__main__":
    main()
