"""The system call filter: a classic BPF program for ``bwrap --seccomp``, without libseccomp.

A deny-list for calls that no scenario needs and that widen the kernel's attack surface or look
past the namespaces, and an allow-list for socket families: network namespaces do not cover
AF_VSOCK, through which a virtual machine's host can be reached.

The program reads ``struct seccomp_data`` (linux/seccomp.h): call number at byte 0, architecture
at 4, argument *n* at 16 + 8n (its low word first on the little-endian machines served here).
"""

import platform
import struct
from typing import Final

__all__ = ["ARCHITECTURES", "build"]

# Opcodes of linux/bpf_common.h and verdicts of linux/seccomp.h.
_LOAD: Final = 0x20
_EQUAL: Final = 0x15
_AT_LEAST: Final = 0x35
_ANY_BIT: Final = 0x45
_RETURN: Final = 0x06

ALLOW: Final = 0x7FFF0000
KILL: Final = 0x80000000
_ERRNO: Final = 0x00050000
REFUSE: Final = _ERRNO | 1  # EPERM
MISSING: Final = _ERRNO | 38  # ENOSYS: callers fall back

_NUMBER: Final = 0
_ARCHITECTURE: Final = 4
_ARGUMENTS: Final = (16, 24, 32)

ARCHITECTURES: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_COLUMN: Final = {"x86_64": 0, "aarch64": 1}
_X32_BIT: Final = 0x40000000

# name: (x86_64, aarch64), from asm/unistd_64.h and asm-generic/unistd.h; None where it is absent.
CALLS: Final[dict[str, tuple[int | None, int | None]]] = {
    # other processes
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "process_mrelease": (448, 448),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    # mounts and namespaces
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "setns": (308, 268),
    "unshare": (272, 97),
    "fsopen": (430, 430),
    "fsmount": (432, 432),
    "fsconfig": (431, 431),
    "fspick": (433, 433),
    "move_mount": (429, 429),
    "open_tree": (428, 428),
    "open_tree_attr": (467, 467),
    "mount_setattr": (442, 442),
    "open_by_handle_at": (304, 265),
    "name_to_handle_at": (303, 264),
    # large, rarely needed kernel interfaces
    "add_key": (248, 217),
    "keyctl": (250, 219),
    "request_key": (249, 218),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "fanotify_init": (300, 262),
    "memfd_secret": (447, 447),
    # the machine
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "acct": (163, 89),
    "syslog": (103, 116),
    "nfsservctl": (180, 42),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "clock_adjtime": (305, 266),
    "adjtimex": (159, 171),
    "vhangup": (153, 58),
    "lookup_dcookie": (212, 18),
    "mbind": (237, 235),
    "set_mempolicy": (238, 237),
    "set_mempolicy_home_node": (450, 450),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    "iopl": (172, None),
    "ioperm": (173, None),
    "modify_ldt": (154, None),
    "uselib": (134, None),
    "ustat": (136, None),
    "sysfs": (139, None),
    "_sysctl": (156, None),
    "create_module": (174, None),
    "get_kernel_syms": (177, None),
    "query_module": (178, None),
}

# Memory that belongs to no process until it is mapped: only a memory cgroup can count it.
UNCOUNTED: Final = {"memfd_create": (319, 279), "shmget": (29, 194)}

_CLONE: Final = {"x86_64": 56, "aarch64": 220}
_CLONE3: Final = 435
_SOCKET: Final = {"x86_64": 41, "aarch64": 198}
_IOCTL: Final = {"x86_64": 16, "aarch64": 29}

# CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
_NAMESPACES: Final = 0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x60000000
_TERMINAL_INPUT: Final = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX: type into somebody's terminal
_FAMILIES: Final = (1, 2, 10)  # AF_UNIX, AF_INET, AF_INET6
_NETLINK: Final = 16  # only its protocol 0 (NETLINK_ROUTE), which getifaddrs() needs

_Instruction = tuple[int, int, int, int]


def build(machine: str | None = None, *, counted: bool = True) -> bytes:
    """Assemble the filter for ``machine`` (default: this one).

    Args:
        machine: A key of :data:`ARCHITECTURES`.
        counted: Whether a memory cgroup will count the box; if not, memory that no process owns
            is refused as well.

    Raises:
        ValueError: If there is no table for ``machine``.
    """
    machine = machine or platform.machine()
    if machine not in ARCHITECTURES:
        raise ValueError(f"no system call table for {machine}")
    refused = CALLS if counted else CALLS | UNCOUNTED
    program: list[_Instruction] = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, ARCHITECTURES[machine]),
        (_RETURN, 0, 0, KILL),
        (_LOAD, 0, 0, _NUMBER),
    ]
    if machine == "x86_64":
        program += [(_AT_LEAST, 0, 1, _X32_BIT), (_RETURN, 0, 0, REFUSE)]
    numbers = {columns[_COLUMN[machine]] for columns in refused.values()}
    for number in sorted(number for number in numbers if number is not None):
        program += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, REFUSE)]
    # The flags of clone3 lie in memory a filter cannot read; libc falls back to clone.
    program += [(_EQUAL, 0, 1, _CLONE3), (_RETURN, 0, 0, MISSING)]
    program += _when(_CLONE[machine], [*_argument(0), (_ANY_BIT, 0, 1, _NAMESPACES), _refuse()])
    typing = [(_EQUAL, 1, 0, _TERMINAL_INPUT[0]), (_EQUAL, 0, 1, _TERMINAL_INPUT[1]), _refuse()]
    program += _when(_IOCTL[machine], [*_argument(1), *typing])
    families: list[_Instruction] = [*_argument(0)]
    for family in _FAMILIES:
        families += [(_EQUAL, 0, 1, family), (_RETURN, 0, 0, ALLOW)]
    families += [(_EQUAL, 1, 0, _NETLINK), _refuse(), *_argument(2), (_EQUAL, 1, 0, 0), _refuse()]
    program += _when(_SOCKET[machine], families)
    program.append((_RETURN, 0, 0, ALLOW))
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in program)


def _argument(index: int) -> list[_Instruction]:
    """Load the low word of an argument; the calls here take 32-bit ones."""
    return [(_LOAD, 0, 0, _ARGUMENTS[index])]


def _refuse() -> _Instruction:
    return (_RETURN, 0, 0, REFUSE)


def _when(number: int, body: list[_Instruction]) -> list[_Instruction]:
    """``body`` for one call number, allowing the call where the body does not decide."""
    return [(_EQUAL, 0, len(body) + 1, number), *body, (_RETURN, 0, 0, ALLOW)]
