"""Sockets made inside another process's network namespace."""

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


def enter(pid: int) -> None:
    """Enter the network of ``pid`` for good.

    Joining a user namespace cannot be undone and needs a single thread: call it in a process that
    may be thrown away.

    Raises:
        OSError: If the namespace cannot be entered.
    """
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


def listen(addresses: Iterable[tuple[str, str, int]]) -> list[socket.socket]:
    """Sockets that listen (``"tcp"``) or receive (``"udp"``) at host and port.

    Raises:
        OSError: If an address is taken.
    """
    listeners = []
    for kind, host, port in addresses:
        stream = kind == "tcp"
        listener = socket.socket(
            socket.AF_INET, socket.SOCK_STREAM if stream else socket.SOCK_DGRAM
        )
        if stream:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _bind(listener, (host, port))
        if stream:
            listener.listen(512)
        listener.setblocking(False)
        listeners.append(listener)
    return listeners


def unconnected() -> socket.socket:
    """A TCP socket of this network, for somebody outside to connect to a server in it."""
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    made.setblocking(False)
    return made


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


def _setns(descriptor: int, kind: int) -> None:
    if _libc.setns(descriptor, kind):
        code = ctypes.get_errno()
        raise OSError(code, f"setns: {os.strerror(code)}")
