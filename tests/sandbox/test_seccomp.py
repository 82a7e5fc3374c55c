"""The filter's program, executed by a small interpreter, for processors this machine is not."""

import struct

import pytest

from factory_tui.sandbox import seccomp

ALLOWED, EPERM, ENOSYS, KILLED = 0x7FFF0000, 0x00050001, 0x00050026, 0x80000000


def decide(program: bytes, machine: str, number: int, *arguments: int) -> int:
    """What the kernel would answer (net/core/filter.c, classic BPF over struct seccomp_data)."""
    words = [*arguments, *[0] * (6 - len(arguments))]
    data = struct.pack("<IIQ6Q", number, seccomp.ARCHITECTURES[machine], 0, *words)
    at = accumulator = 0
    while True:
        code, yes, no, operand = struct.unpack_from("<HBBI", program, at * 8)
        at += 1
        if code == 0x20:
            accumulator = struct.unpack_from("<I", data, operand)[0]
        elif code == 0x06:
            return int(operand)
        else:
            true = {0x15: accumulator == operand, 0x35: accumulator >= operand}
            at += yes if true.get(code, bool(accumulator & operand)) else no


@pytest.fixture(params=["x86_64", "aarch64"])
def machine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_everyday_calls_pass(machine: str) -> None:
    program = seccomp.build(machine)
    # read write openat close mmap brk execve fork-like clone, exit_group, wait4, connect
    everyday = {
        "x86_64": [0, 1, 257, 3, 9, 12, 59, 231, 61, 42, 319, 318, 302],
        "aarch64": [63, 64, 56, 57, 222, 214, 221, 94, 260, 203, 279, 278, 261],
    }
    for number in everyday[machine]:
        assert decide(program, machine, number) == ALLOWED, number


def test_every_listed_call_is_refused(machine: str) -> None:
    program = seccomp.build(machine)
    column = ["x86_64", "aarch64"].index(machine)
    for name, numbers in seccomp.CALLS.items():
        number = numbers[column]
        if number is not None:
            assert decide(program, machine, number) == EPERM, name


def test_memory_nobody_counts_is_refused_without_a_group(machine: str) -> None:
    number = {"x86_64": 319, "aarch64": 279}[machine]
    assert decide(seccomp.build(machine), machine, number) == ALLOWED
    assert decide(seccomp.build(machine, counted=False), machine, number) == EPERM


def test_arguments_decide(machine: str) -> None:
    program = seccomp.build(machine)
    clone, socket, ioctl = {"x86_64": (56, 41, 16), "aarch64": (220, 198, 29)}[machine]
    assert decide(program, machine, clone, 17) == ALLOWED
    assert decide(program, machine, clone, 0x3D0F00) == ALLOWED  # a thread
    for bit in (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000):
        assert decide(program, machine, clone, bit | 17) == EPERM, hex(bit)
    assert decide(program, machine, 435) == ENOSYS
    for family, verdict in {1: ALLOWED, 2: ALLOWED, 10: ALLOWED, 17: EPERM, 38: EPERM}.items():
        assert decide(program, machine, socket, family, 1, 0) == verdict, family
    assert decide(program, machine, socket, 40, 1, 0) == EPERM  # AF_VSOCK
    assert decide(program, machine, socket, 16, 3, 0) == ALLOWED  # NETLINK_ROUTE
    assert decide(program, machine, socket, 16, 3, 12) == EPERM  # NETLINK_NETFILTER
    assert decide(program, machine, ioctl, 0, 0x5401) == ALLOWED  # TCGETS
    for request in (0x5412, 0x541C, 0x1_0000_5412):  # the kernel looks at 32 bits of it
        assert decide(program, machine, ioctl, 0, request) == EPERM, hex(request)


def test_other_architectures_calls_kill_and_x32_is_refused() -> None:
    program = seccomp.build("x86_64")
    assert decide(program, "aarch64", 63) == KILLED
    assert decide(seccomp.build("aarch64"), "x86_64", 0) == KILLED
    assert decide(program, "x86_64", 0x40000000) == EPERM
    with pytest.raises(ValueError, match="riscv64"):
        seccomp.build("riscv64")
