"""The name server of a box, asked as libraries ask and as attackers do."""

from typing import Any

import dns.message
import dns.rcode
import dns.rdatatype
import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_tui.trials.names import Names, covers

ZONES = {"slack.com": "127.1.0.2", "*.slack.com": "127.1.0.2", "*.okta.com": "127.1.0.1"}


class Line:
    """A transport that keeps what is sent."""

    def __init__(self, waiting: int = 0) -> None:
        self.sent: list[bytes] = []
        self.waiting = waiting

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def sendto(self, data: bytes, addr: Any) -> None:
        self.sent.append(data)


def asked(data: bytes) -> tuple[list[bytes], list[str]]:
    unknown: list[str] = []
    line, names = Line(), Names(ZONES, unknown.append)
    names.connection_made(line)
    names.datagram_received(data, ("127.0.0.1", 5000))
    return line.sent, unknown


@pytest.mark.parametrize(
    ("name", "kind", "addresses", "code"),
    [
        ("slack.com", "A", ["127.1.0.2"], dns.rcode.NOERROR),
        ("a.b.SLACK.com", "A", ["127.1.0.2"], dns.rcode.NOERROR),
        ("acme.okta.com", "A", ["127.1.0.1"], dns.rcode.NOERROR),
        ("acme.okta.com", "AAAA", [], dns.rcode.NOERROR),
        ("okta.com", "A", [], dns.rcode.NXDOMAIN),
        ("notslack.com", "A", [], dns.rcode.NXDOMAIN),
    ],
)
def test_only_services_have_addresses(
    name: str, kind: str, addresses: list[str], code: int
) -> None:
    query = dns.message.make_query(name, kind)
    sent, unknown = asked(query.to_wire())
    answer = dns.message.from_wire(sent[0])
    assert query.is_response(answer)
    assert answer.rcode() == code
    assert [item.address for rrset in answer.answer for item in rrset] == addresses
    assert unknown == ([name.lower()] if code else [])


@given(st.binary(max_size=600))
def test_garbage_is_dropped(data: bytes) -> None:
    sent, _ = asked(data)
    assert len(sent) <= 1


@given(st.binary(max_size=200), st.integers(0, 40))
def test_a_broken_question_is_dropped_or_answered(noise: bytes, at: int) -> None:
    wire = bytearray(dns.message.make_query("slack.com", "A").to_wire())
    wire[at : at + len(noise)] = noise
    asked(bytes(wire))


def test_an_answer_is_not_answered() -> None:
    answer = dns.message.make_response(dns.message.make_query("slack.com", "A"))
    assert asked(answer.to_wire()) == ([], [])


def test_answers_that_nobody_takes_are_dropped() -> None:
    line, names = Line(waiting=1 << 20), Names(ZONES, lambda name: None)
    names.connection_made(line)
    names.datagram_received(dns.message.make_query("slack.com", "A").to_wire(), ("127.0.0.1", 1))
    assert line.sent == []


def test_a_pattern_means_what_is_below_it() -> None:
    assert covers("*.okta.com", "a.okta.com")
    assert not covers("*.okta.com", "okta.com")
    assert not covers("*.okta.com", ".okta.com")
