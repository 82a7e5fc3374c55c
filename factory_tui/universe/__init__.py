"""The kernel that digital twins stand on.

A :class:`Universe` is one isolated set of twin states over frozen, named seeds, with its own
virtual clock, seeded ids, fault plan and traffic. :func:`serve` answers HTTP for one of its
twins on a listening socket. How to write a pack: :mod:`factory_tui.universe.pack`.
"""

from factory_tui.universe.clock import Clock, iso, parse_time
from factory_tui.universe.courier import Courier
from factory_tui.universe.event_faults import EventFault
from factory_tui.universe.faults import Fault, FaultPlan
from factory_tui.universe.http import BadBodyError, Header, Request, Response
from factory_tui.universe.ids import ALNUM, BASE62, DIGITS, HEX, UPPER, Ids
from factory_tui.universe.limits import Allowance, Limit
from factory_tui.universe.load import PackError, load_packs
from factory_tui.universe.memo import RowMemo
from factory_tui.universe.outbox import (
    Ask,
    Delivery,
    Event,
    Outbox,
    Outcome,
    Outgoing,
    Reply,
    Retries,
    Subscription,
)
from factory_tui.universe.pack import (
    ApplyError,
    Call,
    Handler,
    Pack,
    Refused,
    Seed,
    SeedTables,
    Twin,
    op,
    route,
)
from factory_tui.universe.people import DOMAIN, ORGS, Org, Person, Standing, org
from factory_tui.universe.plans import FaultError
from factory_tui.universe.reading import Part, read_json, read_parts
from factory_tui.universe.routes import Match, Routes
from factory_tui.universe.server import Server, serve
from factory_tui.universe.sockets import Socket, Sockets
from factory_tui.universe.tables import (
    Change,
    FrozenRowError,
    IndexFn,
    Key,
    Row,
    Table,
    freeze,
    thaw,
)
from factory_tui.universe.tap import Exchange, Tap
from factory_tui.universe.universe import VARIES, Snapshot, Universe, Waiting

__all__ = [
    "ALNUM",
    "BASE62",
    "DIGITS",
    "DOMAIN",
    "HEX",
    "ORGS",
    "UPPER",
    "VARIES",
    "Allowance",
    "ApplyError",
    "Ask",
    "BadBodyError",
    "Call",
    "Change",
    "Clock",
    "Courier",
    "Delivery",
    "Event",
    "EventFault",
    "Exchange",
    "Fault",
    "FaultError",
    "FaultPlan",
    "FrozenRowError",
    "Handler",
    "Header",
    "Ids",
    "IndexFn",
    "Key",
    "Limit",
    "Match",
    "Org",
    "Outbox",
    "Outcome",
    "Outgoing",
    "Pack",
    "PackError",
    "Part",
    "Person",
    "Refused",
    "Reply",
    "Request",
    "Response",
    "Retries",
    "Routes",
    "Row",
    "RowMemo",
    "Seed",
    "SeedTables",
    "Server",
    "Snapshot",
    "Socket",
    "Sockets",
    "Standing",
    "Subscription",
    "Table",
    "Tap",
    "Twin",
    "Universe",
    "Waiting",
    "freeze",
    "iso",
    "load_packs",
    "op",
    "org",
    "parse_time",
    "read_json",
    "read_parts",
    "route",
    "serve",
    "thaw",
]
