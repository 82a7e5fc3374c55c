"""What every part of one run shares: the store, the money, the gate, the hosts, the journal."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from factory_tui import process
from factory_tui.agent.workspace import Workspace
from factory_tui.config import Settings
from factory_tui.engine.control import ControlLoop, Gate
from factory_tui.engine.launch import RunOptions
from factory_tui.engine.specs import SpecWatch
from factory_tui.llm import (
    BudgetExhausted,
    Client,
    Ledger,
    Limits,
    LLMError,
    PlaybackMiss,
    Price,
    Prices,
    Recorder,
    Request,
    Response,
    Retry,
)
from factory_tui.llm.playback import PlaybackServer
from factory_tui.store import ExchangeRow, Store, Traffic
from factory_tui.text import clean
from factory_tui.trials import HostOptions, Pool

__all__ = ["Runtime", "Stopped"]

HEARTBEAT = 2.0
LIVE_EVERY = 0.2
LIVE_KEPT = 400


class Stopped(Exception):
    """The engineer stopped or suspended the run."""

    def __init__(self, *, resumable: bool) -> None:
        super().__init__("stopped")
        self.resumable = resumable


class Runtime:
    """One run's shared machinery. Use :meth:`open` as an async context manager."""

    def __init__(self, settings: Settings, store: Store, run_id: str) -> None:
        self.settings = settings
        self.store = store
        self.run_id = run_id
        row = store.run(run_id)
        self.options = RunOptions(**row.settings)
        self.folder = settings.runs / run_id
        self.iteration = row.iteration or 0
        self.gate = Gate()
        self.ended = False
        """The run has ended; this process only performs the trials somebody asked for."""
        self.stop: asyncio.Future[Stopped] = asyncio.get_running_loop().create_future()
        self.retries: asyncio.Queue[tuple[str, int]] = asyncio.Queue()
        self.pool: Pool
        self.client: Client
        self.ledger: Ledger
        self.traffic: Traffic
        self.spec: SpecWatch
        self.workspace: Workspace
        self._live_at: dict[str, float] = {}
        self._live_text: dict[str, str] = {}

    # -- lifetime ------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[Runtime]:
        """Bring everything up, and down again in order."""
        row = self.store.run(self.run_id)
        self.store.update_run(
            self.run_id,
            pid=os.getpid(),
            pid_started=process.start_time(os.getpid()),
            heartbeat_ms=int(time.time() * 1000),
        )
        self.folder.mkdir(parents=True, exist_ok=True)
        async with contextlib.AsyncExitStack() as stack:
            self.traffic = Traffic.open(self.folder / "traffic.db")
            stack.callback(self.traffic.close)
            self._open_money(row.budget_tokens, row.budget_usd)
            base_url = None
            if self.options.recording:
                player = PlaybackServer(Path(self.options.recording), pace=self.options.pace)
                base_url = await player.start()
                stack.push_async_callback(player.aclose)
            self.client = self._client(base_url)
            stack.push_async_callback(self.client.aclose)
            self.pool = await stack.enter_async_context(await self._pool())
            (self.folder / "workspace").mkdir(exist_ok=True)
            self.workspace = Workspace(self.folder / "workspace", self.folder / "git")
            self.spec = SpecWatch(
                self.settings.spec, row.spec_path, lambda kind, data: self.emit(kind, data)
            )
            self._note_spec()
            control = ControlLoop(
                self.store,
                self.run_id,
                {
                    "pause": self._on_pause,
                    "resume": self._on_resume,
                    "stop": self._on_stop,
                    "suspend": self._on_suspend,
                    "budget": self._on_budget,
                    "retry": self._on_retry,
                },
            )
            if row.status == "paused" and self._last_pause() == "user":
                self.gate.hold("user")
            for request in self.store.pending(self.run_id):
                if request.verb == "suspend":  # it was meant for a process that is gone
                    self.store.acknowledge(request.id, "moot")
            await control.once()
            tasks = [
                asyncio.create_task(self._forever("control", control.forever)),
                asyncio.create_task(self._forever("spec watch", self.spec.watch)),
                asyncio.create_task(self._forever("heartbeat", self._beat)),
            ]
            stack.push_async_callback(_cancel, tasks)
            yield self

    def _note_spec(self) -> None:
        """Journal an edit of the spec that was made while no process of the run was alive."""
        copy = self.folder / "spec.md"
        if copy.exists():
            self.spec.compare(copy.read_text(encoding="utf-8"))
        copy.write_text(self.spec.text, encoding="utf-8")
        self.store.update_run(self.run_id, spec_hash=self.spec.hash)

    def told(self) -> str:
        """The spec as the builder has last heard of it."""
        path = self.folder / "told.md"
        return path.read_text(encoding="utf-8") if path.exists() else self.spec.text

    def keep_told(self) -> None:
        """Remember what the builder has heard of, for a process that takes over."""
        partial = self.folder / "told.md.partial"
        partial.write_text(self.spec.told, encoding="utf-8")
        partial.replace(self.folder / "told.md")

    def _open_money(self, tokens: int | None, usd: str | None) -> None:
        book = self.store.book(self.run_id)
        book.forfeit_open()
        limits = Limits(tokens, None if usd is None else Decimal(usd), self.settings.budget.warn)
        self.ledger = Ledger(book, limits, self._on_money)

    def _client(self, base_url: str | None) -> Client:
        models = self.settings.models
        overrides = {
            name: Price(p.input, p.output, p.cache_read, p.cache_write)
            for name, p in models.prices.items()
        }
        recorded = base_url is not None
        recorder = Recorder(Path(self.options.record)) if self.options.record else None
        return Client(
            ledger=self.ledger,
            prices=Prices(overrides),
            base_url=base_url,
            api_key="recorded" if recorded else _api_key(),
            recorder=recorder,
            send_key=recorded,
            gate=self.gate.wait,
            on_exhausted=self._on_exhausted,
            on_retry=self._on_retry_wait,
        )

    async def _pool(self) -> Pool:
        options = HostOptions(
            twins=self.settings.twins,
            packs=self.settings.packs,
            unsandboxed=self.options.unsandboxed,
            may_fall_back=self.options.may_fall_back,
        )
        return Pool(options, self.settings.parallel)

    async def _forever(self, what: str, work: Callable[[], Awaitable[None]]) -> None:
        """Keep a background job going; what breaks it is said, and it is begun again."""
        while not self.stop.done():
            try:
                await work()
            except Exception as error:
                detail = f"{what}: {type(error).__name__}: {error}"
                with contextlib.suppress(Exception):
                    self.emit("harness.fault", {"where": "engine", "detail": clean(detail)})
                await asyncio.sleep(2.0)

    async def _beat(self) -> None:
        while True:
            self.store.update_run(
                self.run_id,
                pid=os.getpid(),
                pid_started=process.start_time(os.getpid()),
                heartbeat_ms=int(time.time() * 1000),
            )
            await asyncio.sleep(HEARTBEAT)

    # -- journal -------------------------------------------------------------------------

    def emit(
        self,
        kind: str,
        data: Mapping[str, Any] | None = None,
        *,
        iteration: int | None = None,
        scenario: str = "",
        trial: str = "",
    ) -> None:
        """Append an event of this run to the journal."""
        at = self.iteration if iteration is None else iteration
        self.store.append(
            self.run_id, kind, data or {}, iteration=at, scenario=scenario, trial=trial
        )

    def live(self, who: str, kind: str, piece: str) -> None:
        """Show what a model is saying right now (not durable, a few times a second)."""
        if kind != "text":
            return
        text = (self._live_text.get(who, "") + piece)[-LIVE_KEPT * 4 :]
        self._live_text[who] = text
        now = time.monotonic()
        if now - self._live_at.get(who, 0.0) >= LIVE_EVERY:
            self._live_at[who] = now
            self.store.set_live(self.run_id, who, clean(text)[-LIVE_KEPT:])

    def quiet(self, who: str) -> None:
        """The model has finished speaking."""
        if self._live_text.pop(who, ""):
            self.store.set_live(self.run_id, who, "")

    def note_traffic(
        self,
        rows: Sequence[Mapping[str, Any]],
        *,
        iteration: int | None = None,
        scenario: str = "",
        trial: str = "",
    ) -> None:
        """Keep twin exchanges, and journal the gaps among them."""
        now = int(time.time() * 1000)
        iteration = self.iteration if iteration is None else iteration
        kept = [
            ExchangeRow(
                seq=0,
                ts_ms=now,
                run_id=self.run_id,
                iteration=iteration,
                scenario=scenario,
                trial=trial,
                **row,
            )
            for row in rows
        ]
        if kept:
            self.traffic.add(kept)
        for row in rows:
            if row["gap"]:
                gap = {"twin": row["twin"], "operation": row["gap"]}
                self.emit("gap", gap, iteration=iteration, scenario=scenario, trial=trial)

    # -- models --------------------------------------------------------------------------

    def model(self, role: str) -> str:
        """The model that plays a role; a recording plays all of them."""
        return "recorded" if self.options.recording else self.settings.models.roles()[role]

    async def complete(
        self, request: Request, on_delta: Callable[[str, str], None] | None = None
    ) -> Response:
        """Call a model through the ledger; a model that cannot be reached pauses the run.

        Raises:
            PlaybackMiss: a recording has no answer to this request.
        """
        while True:
            try:
                return await self.client.complete(request, on_delta)
            except (PlaybackMiss, BudgetExhausted):
                raise
            except LLMError as error:
                if self.ended:
                    raise
                self.pause("model", f"{request.role}: {clean(str(error), limit=500)}")
                await self.gate.wait()

    def _on_money(self, kind: str, data: Mapping[str, Any]) -> None:
        self.emit(kind, data)
        if kind == "budget.overbilled":
            self.pause("overbilled", "the model API billed more than its counted bound")

    async def _on_exhausted(self, error: BudgetExhausted) -> bool:
        if self.ended:
            return False
        self.pause("budget", str(error))
        await self.gate.wait()
        return True

    def _on_retry_wait(self, retry: Retry) -> None:
        self.emit(
            "model.waiting",
            {
                "role": retry.role,
                "model": retry.model,
                "attempt": retry.attempt,
                "wait_s": round(retry.wait_s, 1),
                "error": clean(str(retry.error), limit=500),
            },
        )

    # -- pausing and the engineer's requests ---------------------------------------------

    def pause(self, reason: str, detail: str = "") -> None:
        """Hold the run at its next model call and trial until somebody resumes it."""
        if self.ended:
            return
        fresh = reason not in self.gate.reasons
        self.gate.hold(reason)
        if fresh:
            with self.store.transaction():
                self.store.update_run(self.run_id, status="paused")
                self.emit("run.paused", {"reason": reason, "detail": detail})

    def _last_pause(self) -> str:
        """Why the run was paused when its process ended."""
        paused = self.store.events(run_id=self.run_id, kinds=["run.paused"], limit=100_000)
        return str(paused[-1].data.get("reason", "")) if paused else ""

    def _release(self, reasons: Sequence[str], who: str) -> None:
        held = bool(self.gate.reasons)
        for reason in reasons:
            self.gate.release(reason)
        if held and not self.gate.reasons:
            with self.store.transaction():
                self.store.update_run(self.run_id, status="running")
                self.emit("run.resumed", {"who": who})

    async def _on_pause(self, args: Mapping[str, Any], who: str) -> str:
        self.pause("user", "" if who == "you" else f"by {who}")
        return "paused; calls in flight are finished"

    async def _on_resume(self, args: Mapping[str, Any], who: str) -> str:
        self._release(tuple(self.gate.reasons), who)
        return "resumed"

    async def _on_stop(self, args: Mapping[str, Any], who: str) -> str:
        if not self.stop.done():
            self.stop.set_result(Stopped(resumable=False))
        return "stopping"

    def suspend(self) -> None:
        """End the process; the run stays resumable."""
        if not self.stop.done():
            self.stop.set_result(Stopped(resumable=True))

    async def _on_suspend(self, args: Mapping[str, Any], who: str) -> str:
        self.suspend()
        return "the run's process ends; resume starts it again"

    async def _on_budget(self, args: Mapping[str, Any], who: str) -> str:
        row = self.store.run(self.run_id)
        old = {"tokens": row.budget_tokens, "usd": row.budget_usd}
        new = {
            "tokens": args.get("tokens", old["tokens"]),
            "usd": None
            if args.get("usd", old["usd"]) is None
            else str(args.get("usd", old["usd"])),
        }
        usd = None if new["usd"] is None else Decimal(str(new["usd"]))
        tokens = None if new["tokens"] is None else int(new["tokens"])
        if (tokens is not None and tokens < 0) or (usd is not None and usd < 0):
            raise ValueError("a budget cannot be negative")
        self.ledger.set_limits(Limits(tokens, usd, self.settings.budget.warn))
        self.store.update_run(self.run_id, budget_tokens=tokens, budget_usd=new["usd"])
        self.emit("budget.changed", {"old": old, "new": new, "who": who})
        totals = self.ledger.totals()
        below = (tokens is not None and tokens < totals.spent_tokens) or (
            usd is not None and usd < totals.spent_usd
        )
        if below:
            self.pause("budget", "the new budget is below what is spent")
            return "changed; it is below what is spent, so the run is paused"
        self._release(("budget",), who)
        return "changed"

    async def _on_retry(self, args: Mapping[str, Any], who: str) -> str:
        count = int(args.get("trials", 3))
        if not 1 <= count <= 100:
            raise ValueError("between 1 and 100 trials")
        self.retries.put_nowait((str(args["scenario"]), count))
        return f"{count} more trials of {args['scenario']} are queued"


def _api_key() -> str | None:
    if os.environ.get("ANTHROPIC_API_KEY") or os.environ.get("ANTHROPIC_AUTH_TOKEN"):
        return None
    return "none"


async def _cancel(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
