"""The names that a box can look up: the services that twins stand for, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

__all__ = ["Names", "covers"]

_TTL_S = 60

_UNSENT = 1 << 16
"""Bytes of answers that wait to be taken; more are dropped, as networks do."""


def covers(pattern: str, name: str) -> bool:
    """Whether ``slack.com`` or ``*.slack.com`` (any depth below) means this host name."""
    if pattern.startswith("*."):
        return name.endswith(pattern[1:]) and len(name) >= len(pattern)
    return name == pattern


class Names(asyncio.DatagramProtocol):
    """A name server (RFC 1035) over one socket.

    Args:
        zones: Host pattern to IPv4 address.
        unknown: Told of each name that is asked for and not there.
    """

    def __init__(self, zones: Mapping[str, str], unknown: Callable[[str], None]) -> None:
        self._zones = zones
        self._unknown = unknown
        self._transport: Any = None  # its declared type lacks the size of its buffer

    def connection_made(self, transport: Any) -> None:
        """Keep what answers leave by."""
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        """Answer a question; what is none is dropped, as name servers do."""
        assert self._transport is not None
        try:
            answer = self._answer(dns.message.from_wire(data))
            wire = None if answer is None else answer.to_wire()
        except Exception:  # whatever the library stumbles over was no question
            return
        if wire is not None and self._transport.get_write_buffer_size() < _UNSENT:
            self._transport.sendto(wire, addr)

    def _answer(self, query: dns.message.Message) -> dns.message.Message | None:
        if query.flags & dns.flags.QR or len(query.question) != 1:
            return None
        answer = dns.message.make_response(query, recursion_available=True)
        asked = query.question[0]
        name = asked.name.to_text(omit_final_dot=True).lower()
        address = self.address(name)
        if address is None:
            answer.set_rcode(dns.rcode.NXDOMAIN)
            self._unknown(name)
        elif asked.rdtype == dns.rdatatype.A and asked.rdclass == dns.rdataclass.IN:
            answer.answer.append(dns.rrset.from_text(asked.name, _TTL_S, "IN", "A", address))
        return answer

    def address(self, name: str) -> str | None:
        """Where a host is, ``None`` if no service has that name."""
        found = (to for pattern, to in self._zones.items() if covers(pattern, name))
        return next(found, None)
