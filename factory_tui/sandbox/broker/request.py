"""What a supervisor asks the broker to start."""

from dataclasses import dataclass


@dataclass(slots=True)
class Spawn:
    """One box, or one unconfined command.

    Attributes:
        program: bubblewrap, or None to run the command unconfined.
        options: bubblewrap's; a number stands for that one of the data descriptors.
        argv: The command, gate included.
        env: The unconfined command's environment.
        cwd: The unconfined command's directory.
        user: The uid and gid to become, or None to stay.
        sockets: Where to listen inside: ``"tcp"`` or ``"udp"``, address, port.
        limits: Pairs of RLIMIT number and value.
        memory_mb: For the cgroup or, without one, the watchdog.
        pids: For the cgroup.
        name: For the cgroup.
        cookie: A piece of ``env`` by which an unconfined command's children are known.
    """

    program: str | None
    options: list[str | int]
    argv: list[str]
    env: dict[str, str]
    cwd: str
    user: int | None
    sockets: list[tuple[str, str, int]]
    limits: list[tuple[int, int]]
    memory_mb: int
    pids: int
    name: str
    cookie: str
