"""Listening sockets made inside another process's network namespace."""

import ctypes
import errno
import fcntl
import os
import socket
import time
from collections.abc import Iterable
from typing import Final

_CLONE_NEWUSER: Final = 0x10000000
_CLONE_NEWNET: Final = 0x40000000
_LOOPBACK_S: Final = 5.0
_NS_GET_USERNS: Final = 0xB701  # linux/nsfs.h

_libc: Final = ctypes.CDLL(None, use_errno=True)


def listen(pid: int, addresses: Iterable[tuple[str, int]]) -> list[socket.socket]:
    """Enter the network of ``pid`` for good and listen there.

    Joining a user namespace cannot be undone and needs a single thread: call it in a process that
    may be thrown away.

    Raises:
        OSError: If the namespace cannot be entered or an address is taken.
    """
    _enter(pid)
    listeners = []
    for address in addresses:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _bind(listener, address)
        listener.listen(512)
        listener.setblocking(False)
        listeners.append(listener)
    return listeners


def _bind(listener: socket.socket, address: tuple[str, int]) -> None:
    """Bind as soon as the box's loopback is up: on a busy machine that takes a moment."""
    end = time.monotonic() + _LOOPBACK_S
    while True:
        try:
            listener.bind(address)
            return
        except OSError as error:
            if error.errno != errno.EADDRNOTAVAIL or time.monotonic() > end:
                raise
            time.sleep(0.005)


def _enter(pid: int) -> None:
    network = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        _setns(network, _CLONE_NEWNET)
    except PermissionError:
        # bubblewrap nests a second user namespace; rights over the network come with the one
        # that owns it.
        _setns(fcntl.ioctl(network, _NS_GET_USERNS), _CLONE_NEWUSER)
        _setns(network, _CLONE_NEWNET)
    finally:
        os.close(network)


def _setns(descriptor: int, kind: int) -> None:
    if _libc.setns(descriptor, kind):
        code = ctypes.get_errno()
        raise OSError(code, f"setns: {os.strerror(code)}")
