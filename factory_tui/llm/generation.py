"""``generate`` and ``stream``: a prompt in, an answer out, with tools run in between."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypedDict, Unpack

from factory_tui.llm.abort import AbortSignal, TimeoutConfig, run_until
from factory_tui.llm.client import Client
from factory_tui.llm.content import Message
from factory_tui.llm.errors import ConfigurationError, RequestTimeoutError, SDKError
from factory_tui.llm.retry import RetryPolicy, retry
from factory_tui.llm.streaming import StreamAccumulator, StreamEvent, StreamEventType
from factory_tui.llm.toolrun import RepairToolCall, execute_all_tools, is_passive
from factory_tui.llm.types import (
    FinishReason,
    Request,
    Response,
    ResponseFormat,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Usage,
    Warning,  # noqa: A004
)

__all__ = [
    "GenerateOptions",
    "GenerateResult",
    "StepResult",
    "StopCondition",
    "StreamResult",
    "generate",
    "get_default_client",
    "set_default_client",
    "stream",
]

_default: Client | None = None


def set_default_client(client: Client | None) -> None:
    """Use this client where none is given; ``None`` makes one from the environment again."""
    global _default
    _default = client


def get_default_client() -> Client:
    """The client used where none is given, made from the environment on first use."""
    global _default
    if _default is None:
        _default = Client.from_env()
    return _default


@dataclass(frozen=True, slots=True)
class StepResult:
    """One model call of a tool loop, and the results of the tools it called."""

    text: str
    reasoning: str | None
    tool_calls: list[ToolCall]
    tool_results: list[ToolResult]
    finish_reason: FinishReason
    usage: Usage
    response: Response
    warnings: list[Warning] = field(default_factory=list)

    @classmethod
    def of(cls, response: Response, results: list[ToolResult]) -> "StepResult":
        """The step of an answer."""
        return cls(
            response.text,
            response.reasoning,
            response.tool_calls,
            results,
            response.finish_reason,
            response.usage,
            response,
            response.warnings,
        )


StopCondition = Callable[[list[StepResult]], bool]


@dataclass(frozen=True, slots=True)
class GenerateResult:
    """The outcome: that of the last step, and all steps."""

    text: str
    reasoning: str | None
    tool_calls: list[ToolCall]
    tool_results: list[ToolResult]
    finish_reason: FinishReason
    usage: Usage
    total_usage: Usage
    steps: list[StepResult]
    response: Response
    output: Any = None

    @classmethod
    def of(cls, steps: list[StepResult]) -> "GenerateResult":
        """The outcome of these steps."""
        last = steps[-1]
        return cls(
            last.text,
            last.reasoning,
            last.tool_calls,
            last.tool_results,
            last.finish_reason,
            last.usage,
            _total(steps),
            steps,
            last.response,
        )


def _total(steps: Sequence[StepResult]) -> Usage:
    total = steps[0].usage
    for step in steps[1:]:
        total += step.usage
    return total


class GenerateOptions(TypedDict, total=False):
    """What ``generate`` and its relatives take besides the model and the prompt.

    Keys as in ``Request``, and: ``max_tool_rounds`` (how often tools are run and fed back, 1
    unless given), ``stop_when`` (ends a tool loop early), ``max_retries`` (per model call, 2
    unless given) or a whole ``retry_policy``, ``timeout`` (seconds, or a ``TimeoutConfig``),
    ``abort_signal``, ``client`` (instead of the default one), ``repair_tool_call``, and
    ``ledger_role`` and ``key`` (for the ledger's book and for recordings).
    """

    system: str | None
    tools: Sequence[Tool] | None
    tool_choice: ToolChoice | str | None
    max_tool_rounds: int
    stop_when: StopCondition | None
    response_format: ResponseFormat | None
    temperature: float | None
    top_p: float | None
    max_tokens: int | None
    stop_sequences: Sequence[str] | None
    reasoning_effort: str | None
    metadata: dict[str, str] | None
    provider: str | None
    provider_options: dict[str, Any] | None
    max_retries: int
    retry_policy: RetryPolicy | None
    timeout: float | TimeoutConfig | None
    abort_signal: AbortSignal | None
    client: Client | None
    repair_tool_call: RepairToolCall | None
    ledger_role: str
    key: str


_OF_REQUEST = (
    "tools",
    "tool_choice",
    "response_format",
    "temperature",
    "top_p",
    "max_tokens",
    "stop_sequences",
    "reasoning_effort",
    "metadata",
    "provider",
    "provider_options",
    "key",
)


class _Job:
    """One operation: its conversation, its limits, its steps so far."""

    def __init__(
        self,
        model: str,
        prompt: str | None,
        messages: Sequence[Message] | None,
        options: GenerateOptions,
    ) -> None:
        if (prompt is None) == (messages is None):
            raise ConfigurationError("Give either prompt or messages, not both and not neither.")
        conversation = [Message.user(prompt)] if prompt is not None else list(messages or ())
        if options.get("system"):
            conversation.insert(0, Message.system(str(options["system"])))
        fields: dict[str, Any] = {k: options[k] for k in _OF_REQUEST if k in options}  # type: ignore[literal-required]
        self.request = Request(
            model, conversation, role=options.get("ledger_role", "builder"), **fields
        )
        self.tools = list(options.get("tools") or ())
        self.client = options.get("client") or get_default_client()
        self.rounds = options.get("max_tool_rounds", 1)
        self.stop_when = options.get("stop_when")
        self.signal = options.get("abort_signal")
        self.timeout = TimeoutConfig.of(options.get("timeout"))
        self.repair = options.get("repair_tool_call")
        retries = 0 if self.client.retries_itself else options.get("max_retries", 2)
        self.policy = options.get("retry_policy") or RetryPolicy(max_retries=retries)
        self.steps: list[StepResult] = []
        self._started = time.monotonic()

    def left(self, *, step_started: float | None = None) -> float | None:
        """Seconds left, of the whole operation or of a step, whichever ends first."""
        now = time.monotonic()
        limits = []
        if self.timeout.total is not None:
            limits.append(self.timeout.total - (now - self._started))
        if self.timeout.per_step is not None and step_started is not None:
            limits.append(self.timeout.per_step - (now - step_started))
        return max(0.0, min(limits)) if limits else None

    async def guarded(self, work: Any, what: str, step_started: float | None = None) -> Any:
        """Wait for something within the limits."""
        seconds = self.left(step_started=step_started)
        if self.signal is None and seconds is None:
            return await work
        return await run_until(work, self.signal, seconds, what)

    async def take(self, response: Response) -> bool:
        """Keep an answer as a step, running its tools; whether the loop goes on."""
        calls = response.tool_calls
        wants = bool(calls) and response.finish_reason.reason == "tool_calls"
        runs = wants and len(self.steps) < self.rounds and not is_passive(self.tools, calls)
        results: list[ToolResult] = []
        if runs:
            conversation = [m for m in self.request.messages if isinstance(m, Message)]
            results = await self.guarded(
                execute_all_tools(
                    self.tools,
                    calls,
                    messages=conversation,
                    abort_signal=self.signal,
                    repair_tool_call=self.repair,
                ),
                "tool round",
            )
        self.steps.append(StepResult.of(response, results))
        if not runs or (self.stop_when is not None and self.stop_when(self.steps)):
            return False
        names = {call.id: call.name for call in calls}
        answers = [
            Message.tool_result(r.tool_call_id, r.content, r.is_error, name=names[r.tool_call_id])
            for r in results
        ]
        history = [*self.request.messages, response.message, *answers]
        self.request = replace(self.request, messages=history)
        return True


async def generate(
    model: str,
    prompt: str | None = None,
    messages: Sequence[Message] | None = None,
    **options: Unpack[GenerateOptions],
) -> GenerateResult:
    """Answer a prompt (or a conversation), running tools in between.

    Raises:
        ConfigurationError: Both or neither of prompt and messages are given.
        AbortError: The abort signal was set.
        RequestTimeoutError: It took too long.
        SDKError: A model call failed for good.
    """
    job = _Job(model, prompt, messages, options)
    if job.signal is not None:
        job.signal.throw_if_aborted()
    while True:
        response = await _answer(job)
        if not await job.take(response):
            return GenerateResult.of(job.steps)


async def _answer(job: _Job) -> Response:
    """One model call with its retries, within the limits."""

    async def once() -> Response:
        response: Response = await job.guarded(
            job.client.complete(job.request), "model call", time.monotonic()
        )
        return response

    response: Response = await job.guarded(retry(once, job.policy), "operation")
    return response


class StreamResult:
    """A stream under way: iterate over its events (once), then ask for the response."""

    def __init__(self, job: _Job) -> None:
        self._job = job
        self._accumulator = StreamAccumulator()
        self._response: Response | None = None
        self._events = self._run()

    def __aiter__(self) -> AsyncIterator[StreamEvent]:
        return self._events

    async def aclose(self) -> None:
        """Give the stream up and close its connection."""
        close = getattr(self._events, "aclose", None)
        if close is not None:
            await close()

    def response(self) -> Response:
        """The whole answer (of the last step).

        Raises:
            SDKError: The stream has not come to its end.
        """
        if self._response is None:
            raise SDKError("the stream has not finished")
        return self._response

    @property
    def partial_response(self) -> Response | None:
        """The answer of the current step so far; ``None`` before anything came."""
        return self._response or self._accumulator.response()

    @property
    def steps(self) -> list[StepResult]:
        """The steps so far."""
        return list(self._job.steps)

    @property
    def total_usage(self) -> Usage:
        """The usage of all steps so far."""
        return _total(self._job.steps) if self._job.steps else Usage(0, 0)

    @property
    def text_stream(self) -> AsyncIterator[str]:
        """Only the pieces of text."""
        return self._text()

    async def _text(self) -> AsyncIterator[str]:
        async for event in self._events:
            if event.type == StreamEventType.TEXT_DELTA and event.delta:
                yield event.delta

    async def _run(self) -> AsyncIterator[StreamEvent]:
        job = self._job
        if job.signal is not None:
            job.signal.throw_if_aborted()
        while True:
            self._accumulator = StreamAccumulator()
            finish: StreamEvent | None = None
            async for event in self._step():
                if event.type == StreamEventType.STREAM_START and job.steps:
                    continue  # one operation, one start
                self._accumulator.process(event)
                if event.type == StreamEventType.FINISH:
                    finish = event
                else:
                    yield event
            response = self._accumulator.response()
            if await job.take(response):
                yield StreamEvent(
                    StreamEventType.STEP_FINISH,
                    finish_reason=response.finish_reason,
                    usage=response.usage,
                    response=response,
                )
                continue
            self._response = response
            if finish is not None:
                yield replace(finish, response=response, usage=response.usage)
            return

    async def _step(self) -> AsyncIterator[StreamEvent]:
        """The events of one model call; only its connection is retried."""
        job, attempt = self._job, 0
        while True:
            started = time.monotonic()
            events = job.client.stream(job.request)
            begun = False
            try:
                while True:
                    try:
                        event = await job.guarded(anext(events), "model call", started)
                    except StopAsyncIteration:
                        return
                    begun = True
                    yield event
            except SDKError as error:
                if begun or isinstance(error, RequestTimeoutError):
                    raise
                wait = job.policy.wait_for(error, attempt)
                if wait is None:
                    raise
                if job.policy.on_retry is not None:
                    job.policy.on_retry(error, attempt, wait)
                attempt += 1
                await job.guarded(asyncio.sleep(wait), "operation")
            finally:
                close = getattr(events, "aclose", None)
                if close is not None:
                    await close()


def stream(
    model: str,
    prompt: str | None = None,
    messages: Sequence[Message] | None = None,
    **options: Unpack[GenerateOptions],
) -> StreamResult:
    """Like ``generate``, but with every event as it comes.

    One ``STREAM_START`` and one ``FINISH`` enclose all steps; after the tools of a step have run,
    a ``STEP_FINISH`` carries its response. Only connecting is retried: once something was
    delivered, an error is told as an ``ERROR`` event and raised.

    Raises:
        ConfigurationError: Both or neither of prompt and messages are given.
    """
    return StreamResult(_Job(model, prompt, messages, options))
