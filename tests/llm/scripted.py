"""A model server that performs a script, and a client with a budget to call it."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from factory_tui.llm import Client, Ledger, Limits, MemoryBook, Retry
from factory_tui.llm.serving import Call, LoopbackServer, Reply, message_events

Step = Callable[[Call, Reply], Awaitable[None]]

MODEL = "claude-opus-5-5"
USAGE = {"input_tokens": 100, "output_tokens": 50}


def answer(
    content: Sequence[dict[str, Any]] = ({"type": "text", "text": "Hello."},),
    stop_reason: str | None = "end_turn",
    usage: dict[str, Any] | None = None,
    change: Callable[[list[tuple[str, dict[str, Any]]]], None] | None = None,
) -> Step:
    """A step that streams an answer; ``change`` may edit its events first."""

    async def step(_call: Call, reply: Reply) -> None:
        events = list(
            message_events(
                id="msg_1",
                model=MODEL,
                content=content,
                stop_reason=stop_reason or "",
                usage=USAGE if usage is None else usage,
            )
        )
        if change is not None:
            change(events)
        await reply.begin()
        for name, data in events:
            await reply.event(name, data)
        await reply.end()

    return step


def refuse(status: int, kind: str, headers: dict[str, str] | None = None) -> Step:
    async def step(_call: Call, reply: Reply) -> None:
        await reply.error(status, kind, "no", headers)

    return step


class Scripted:
    """A model server that performs one step per message request, then answers normally."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.calls: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.counts = 0
        self.count_status = 200
        self.counted = 100
        self._server = LoopbackServer(self._handle)
        self.url = ""

    async def start(self) -> None:
        self.url = await self._server.start()

    async def aclose(self) -> None:
        await self._server.aclose()

    async def _handle(self, call: Call, reply: Reply) -> None:
        if call.path.endswith("/count_tokens"):
            self.counts += 1
            if self.count_status == 200:
                await reply.json({"input_tokens": self.counted})
            else:
                await reply.error(self.count_status, "not_found_error", "no such thing")
            return
        self.calls.append(call.json())
        self.headers.append(dict(call.headers))
        step = self.steps.pop(0) if self.steps else answer()
        await step(call, reply)


class Desk:
    """A client on a scripted server, with its book and everything it said."""

    def __init__(self, server: Scripted, limits: Limits) -> None:
        self.server = server
        self.book = MemoryBook()
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.ledger = Ledger(self.book, limits, lambda kind, data: self.events.append((kind, data)))
        self.retries: list[Retry] = []
        self.clients: list[Client] = []

    def client(self, **options: Any) -> Client:
        settings: dict[str, Any] = {"backoff_s": 0.001, "base_url": self.server.url} | options
        client = Client(ledger=self.ledger, on_retry=self.retries.append, **settings)
        self.clients.append(client)
        return client

    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.events]

    @property
    def states(self) -> list[tuple[str, int]]:
        return [(row["state"], row["tokens"]) for row in self.book.rows]
