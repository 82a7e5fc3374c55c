"""What every part of one run shares: the store, the money, the gate, the hosts, the journal."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from factory_tui import process
from factory_tui.agent.workspace import Workspace
from factory_tui.config import Settings
from factory_tui.engine.answers import Answers
from factory_tui.engine.control import ControlLoop, Gate
from factory_tui.engine.launch import SPEC_COPY, RunOptions
from factory_tui.engine.models import register_providers, same_family, split_model
from factory_tui.engine.money import TaggedBook, tell_forfeits, warned_before
from factory_tui.engine.pausing import Pausing
from factory_tui.engine.questions import Questions
from factory_tui.engine.specs import SpecWatch
from factory_tui.engine.where import Visits, Where
from factory_tui.llm import (
    AuthError,
    BadRequest,
    BudgetExhausted,
    Client,
    ContextLengthError,
    Ledger,
    Limits,
    LLMError,
    NotFoundError,
    PlaybackMiss,
    Price,
    Prices,
    QuotaExceededError,
    Recorder,
    Request,
    Response,
    Retry,
    RetryPolicy,
    SDKError,
    retry,
)
from factory_tui.llm.playback import PlaybackServer
from factory_tui.store import ExchangeRow, Store, Traffic
from factory_tui.text import clean
from factory_tui.trials import HostOptions, Pool

__all__ = ["PRODUCTS", "Runtime", "Stopped"]

HEARTBEAT = 2.0
LIVE_EVERY = 0.2
LIVE_KEPT = 400
PRODUCTS = "products"
"""In a run's folder: the checkouts that are tried out, by commit."""
MOST_TOKENS = 10**15
"""The largest budget, in tokens or dollars; more is no budget at all."""


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
        self.pausing = Pausing(store, run_id, self.emit)
        entered = store.events(run_id=run_id, kinds=["node.entered"], limit=1_000_000)
        self.visits = Visits(
            tuple(str(e.data.get(name, "")) for name in ("pipeline", "node", "key"))  # type: ignore[misc]
            for e in entered
        )
        self.ended = False
        """The run has ended; this process only performs the trials somebody asked for."""
        self.stop: asyncio.Future[Stopped] = asyncio.get_running_loop().create_future()
        self.wishes = asyncio.Event()
        self.questions = Questions(self)
        self.answers = Answers(store, run_id)
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
        # Checkouts are made anew from the repository: nobody waited for the disk to have them.
        shutil.rmtree(self.folder / PRODUCTS, ignore_errors=True)
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
            self.spec = SpecWatch(self.settings.spec, row.spec_path, self._on_spec)
            self._note_spec(row.spec_hash)
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
                    "answer": self.questions.on_answer,
                },
            )
            self.pausing.restore()
            for request in self.store.pending(self.run_id):
                if request.verb == "suspend":  # it was meant for a process that is gone
                    self.store.acknowledge(request.id, "moot")
            control.once()
            tasks = [
                asyncio.create_task(self._forever("control", control.forever)),
                asyncio.create_task(self._forever("spec watch", self.spec.watch)),
                asyncio.create_task(self._forever("heartbeat", self._beat)),
            ]
            stack.push_async_callback(_cancel, tasks)
            yield self

    @property
    def gate(self) -> Gate:
        """What every model call and every trial waits at."""
        return self.pausing.gate

    @property
    def judge_same_family(self) -> bool:
        """Whether the judge is of the builder's own family of models; a recording has neither."""
        return not self.options.recording and same_family(self.settings.models)

    def where(self) -> Where:
        """The node for which the running code works."""
        return self.visits.here()

    def _note_spec(self, journaled: str) -> None:
        """Journal an edit of the spec that was made while no process of the run was alive."""
        copy = self.folder / SPEC_COPY
        if copy.exists() and self.spec.hash != journaled:
            self.spec.compare(copy.read_text(encoding="utf-8", errors="replace"))
        self.store.update_run(self.run_id, spec_hash=self.spec.hash)
        self._keep_spec()

    def _on_spec(self, kind: str, data: Mapping[str, Any]) -> None:
        """Journal what the watch saw; the run's row says which version is journaled."""
        if kind != "spec.changed":
            self.emit(kind, data)
            return
        with self.store.transaction():
            self.emit(kind, data)
            self.store.update_run(self.run_id, spec_hash=str(data["new_hash"]))
        self._keep_spec()

    def _keep_spec(self) -> None:
        """Keep the text, to say later what an edit has changed."""
        partial = self.folder / f"{SPEC_COPY}.partial"
        partial.write_text(self.spec.text, encoding="utf-8")
        partial.replace(self.folder / SPEC_COPY)

    def _open_money(self, tokens: int | None, usd: str | None) -> None:
        book = TaggedBook(self.store.book(self.run_id), self.where)
        tell_forfeits(self.store, self.run_id, self.emit)
        limits = Limits(tokens, None if usd is None else Decimal(usd), self.settings.budget.warn)
        warned = warned_before(self.store, self.run_id)
        self.ledger = Ledger(book, limits, self._on_money, warned=warned)

    def _client(self, base_url: str | None) -> Client:
        models = self.settings.models
        overrides = {
            name: Price(p.input, p.output, p.cache_read, p.cache_write)
            for name, p in models.prices.items()
        }
        recorded = base_url is not None
        recorder = Recorder(Path(self.options.record)) if self.options.record else None
        client = Client(
            ledger=self.ledger,
            prices=Prices(overrides),
            base_url=base_url,
            api_key="recorded" if recorded else _api_key(),
            recorder=recorder,
            send_key=recorded,
            gate=self.gate.wait,
            on_exhausted=self._on_exhausted,
            on_retry=self._on_retry_wait,
            on_answer=self.answers.keep,
            compact_at=0 if recorded else models.compact_at,
        )
        if not recorded:
            register_providers(client, models.roles().values())
        return client

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
        self,
        request: Request,
        on_delta: Callable[[str, str], None] | None = None,
        *,
        holds: bool = True,
    ) -> Response:
        """Call a model through the ledger; a model that cannot be reached pauses the run.

        Args:
            request: what is asked.
            on_delta: gets the answer as it comes.
            holds: whether a refusal pauses the run too; one of a model that a builder chose for
                its subagent is that builder's to mend.

        Raises:
            PlaybackMiss: a recording has no answer to this request.
            ContextLengthError: the request does not fit the model.
            BudgetExhausted: there is no money for it, and the run has ended.
        """
        if (known := self.answers.find(request)) is not None:
            return known
        while True:
            try:
                return await self._ask(request, on_delta)
            except (PlaybackMiss, BudgetExhausted, ContextLengthError):
                raise
            except LLMError as error:
                if self.ended or not (holds or error.retryable):
                    raise
                said = f"{request.role}: {clean(str(error), limit=500)}"
                self.pause("model", f"{said.rstrip('.')}. {_advice(error, request)}")
                await self.gate.wait()

    async def _ask(self, request: Request, on_delta: Callable[[str, str], None] | None) -> Response:
        """One call, with the retries that the request's provider does not make itself."""
        provider, model = split_model(request.model)
        if self.options.recording or (request.provider or provider) == "anthropic":
            named = request.model if self.options.recording else model
            return await self.client.complete(replace(request, model=named), on_delta)
        named_request = replace(request, model=model, provider=request.provider or provider)
        register_providers(self.client, [request.model])

        def on_retry(error: SDKError, attempt: int, delay: float) -> None:
            if on_delta is not None:
                on_delta("retry", "")
            told = Retry(request.role, model, request.key, attempt + 2, delay, error)
            self._on_retry_wait(told)

        policy = RetryPolicy(max_retries=4, max_delay=300.0, on_retry=on_retry)
        return await retry(lambda: self.client.complete(named_request, on_delta), policy)

    def _on_money(self, kind: str, data: Mapping[str, Any]) -> None:
        self.emit(kind, {**data, **self.where().data()} if kind == "spend" else data)
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
        self.pausing.hold(reason, detail)

    def begin_waiting(self, ident: str, text: str) -> None:
        """The main line waits for an answer to a question."""
        self.pausing.ask(ident, clean(text, limit=500))

    def end_waiting(self, ident: str, who: str) -> None:
        """It goes on; without ``who`` because the process ends."""
        self.pausing.answered(ident, who)

    def _on_pause(self, args: Mapping[str, Any], who: str) -> str:
        self.pause("user", "" if who == "you" else f"by {who}")
        return "paused; calls in flight are finished"

    def _on_resume(self, args: Mapping[str, Any], who: str) -> str:
        reasons = tuple(self.gate.reasons)
        self.pausing.release(reasons, who)
        if not reasons and self.pausing.asking:
            return "nothing to resume: the run waits for an answer (factory-tui answer)"
        return "resumed"

    def _on_stop(self, args: Mapping[str, Any], who: str) -> str:
        if not self.stop.done():
            self.stop.set_result(Stopped(resumable=False))
        return "stopping"

    def suspend(self) -> None:
        """End the process; the run stays resumable."""
        if not self.stop.done():
            self.stop.set_result(Stopped(resumable=True))

    def _on_suspend(self, args: Mapping[str, Any], who: str) -> str:
        self.suspend()
        return "the run's process ends; resume starts it again"

    def _on_budget(self, args: Mapping[str, Any], who: str) -> str:
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
        if (tokens is not None and tokens < 0) or (usd is not None and not usd >= 0):
            raise ValueError("a budget cannot be negative")
        if (tokens is not None and tokens > MOST_TOKENS) or (
            usd is not None and not usd <= MOST_TOKENS
        ):
            raise ValueError(
                f"a budget of more than {MOST_TOKENS:,} is none; leave it away instead"
            )
        self.store.update_run(self.run_id, budget_tokens=tokens, budget_usd=new["usd"])
        self.emit("budget.changed", {"old": old, "new": new, "who": who})
        self.ledger.set_limits(Limits(tokens, usd, self.settings.budget.warn))
        totals = self.ledger.totals()
        below = (tokens is not None and tokens < totals.spent_tokens) or (
            usd is not None and usd < totals.spent_usd
        )
        if below:
            self.pause("budget", "the new budget is below what is spent")
            return "changed; it is below what is spent, so the run is paused"
        self.pausing.release(("budget",), who)
        return "changed"

    def _on_retry(self, args: Mapping[str, Any], who: str) -> str:
        count = int(args.get("trials", 3))
        if not 1 <= count <= 100:
            raise ValueError("between 1 and 100 trials")
        self.store.want(self.run_id, str(args["scenario"]), count)
        self.wishes.set()
        return f"{count} more trials of {args['scenario']} are queued"


def _advice(error: LLMError, request: Request) -> str:
    """What an engineer can do about a model call that failed for good."""
    if isinstance(error, AuthError):
        return "Check the API key, then resume."
    if isinstance(error, QuotaExceededError):
        return "The account has no credit left: add some, then resume."
    if isinstance(error, NotFoundError):
        return f"Does {request.model} exist? Correct [models] in factory.toml, then resume."
    if isinstance(error, BadRequest):
        return (
            "The server refuses this request and would refuse it again: choose another model in "
            "factory.toml, or stop the run."
        )
    return "Resume to try again."


def _api_key() -> str | None:
    if os.environ.get("ANTHROPIC_API_KEY") or os.environ.get("ANTHROPIC_AUTH_TOKEN"):
        return None
    return "none"


async def _cancel(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
