"""The agent loop: ask the model, run the tools it wants, answer, ask again.

Sections 2 and 5.5 of the coding agent loop specification. System prompt and tools are fixed for
a session's life and its history only grows (see `factory_tui.agent.turns`). Before any tool runs,
the reason why the model stopped is checked: an answer that was cut off can look complete.
"""

import asyncio
import contextlib
import time
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final, Protocol, TypeVar

from factory_tui.agent.config import SessionConfig
from factory_tui.agent.environment import ExecutionEnvironment
from factory_tui.agent.events import EventKind, SessionEvent
from factory_tui.agent.loops import call_signature, detect_loop
from factory_tui.agent.tools import (
    RegisteredTool,
    ToolError,
    ToolRegistry,
    coding_tools,
    summarize_call,
)
from factory_tui.agent.truncation import truncate_tool_output
from factory_tui.agent.turns import (
    AssistantTurn,
    SteeringTurn,
    ToolResult,
    ToolResultsTurn,
    Turn,
    UserTurn,
    to_messages,
    unanswered_calls,
)
from factory_tui.llm import AuthError, Request, Response, ToolCall

__all__ = ["Finished", "Model", "Session", "SessionClosed", "SessionState", "ToolRecord"]

_T = TypeVar("_T")

_INTERRUPTED: Final = (
    "interrupted: the session stopped before this call was answered. It may have run in part; "
    "look at the state of the workspace before you rely on it."
)
_CUT_OFF: Final = "not run: your answer was cut off before it was complete."
_CONTINUE: Final = (
    "Your answer reached the output limit and was cut off. Go on from where it ended; write long "
    "files in several smaller steps."
)
_LOOPING: Final = (
    "Loop detected: your last {window} tool calls repeat a pattern. Repeating them will not "
    "change the result. Look at what they returned and try a different approach."
)


class Model(Protocol):
    """What answers requests; a `factory_tui.llm.Client` or anything like it."""

    async def complete(
        self, request: Request, on_delta: Callable[[str, str], None] | None = None
    ) -> Response:
        """Answer one request, telling ``on_delta`` (kind, piece) while it comes in."""
        ...


class SessionState(StrEnum):
    """The lifecycle of a session."""

    IDLE = "idle"
    PROCESSING = "processing"
    CLOSED = "closed"


class SessionClosed(RuntimeError):
    """The session was aborted or closed and takes no more input."""


@dataclass(frozen=True, slots=True)
class ToolRecord:
    """One finished tool call, with everything it printed.

    Attributes:
        call: What the model asked for.
        summary: The call as one line.
        output: The full output, or the error message.
        is_error: Whether it failed.
        ms: Wall time in milliseconds.
    """

    call: ToolCall
    summary: str
    output: str
    is_error: bool
    ms: int


@dataclass(frozen=True, slots=True)
class Finished:
    """How a submission ended.

    Attributes:
        reason: ``done``; or ``round_limit``, ``turn_limit``, ``loop``, ``max_tokens``,
            ``context_window``, ``refusal``, ``aborted``; or ``stopped: X`` for a reason X of the
            model that nobody here knows.
        text: What the model said last.
        rounds: How many rounds of tools it took.
    """

    reason: str
    text: str
    rounds: int


class _Aborted(Exception):
    """Control flow: `Session.abort` was called."""


async def _nothing(*_: Any) -> None:
    """A hook that does nothing."""


class Session:
    """One conversation with a coding agent.

    Args:
        model: What answers.
        environment: Where tools run.
        system: The system prompt, for good.
        tools: The tools, for good; the six coding tools if not given.
        limits: What the session may do.
        model_name: The model id put into requests.
        role: The role put into requests, for the ledger.
        key: Gives the key of a request from its number within the current input (from 0).
        history: Stored turns to go on from. Tool calls left open there are answered as
            interrupted, because nobody knows how far they came.
        on_event: Called with every event.
        on_turn: Called with every turn as it is added, before anything else happens; what it
            raises ends the submission.
        on_tool: Called with every finished tool call and its full output.
        before_tool: Awaited before each tool call.
        after_tool: Awaited after each tool call.
        inbox: Asked before each model call for messages to put in; they come after the tool
            results of the round.
    """

    def __init__(
        self,
        model: Model,
        environment: ExecutionEnvironment,
        *,
        system: str,
        tools: Sequence[RegisteredTool] | None = None,
        limits: SessionConfig | None = None,
        model_name: str = "",
        role: str = "builder",
        key: Callable[[int], str] | None = None,
        history: Sequence[Turn] = (),
        on_event: Callable[[SessionEvent], None] | None = None,
        on_turn: Callable[[Turn], None] | None = None,
        on_tool: Callable[[ToolRecord], None] | None = None,
        before_tool: Callable[[ToolCall], Awaitable[None]] = _nothing,
        after_tool: Callable[[ToolRecord], Awaitable[None]] = _nothing,
        inbox: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        self.id = uuid.uuid4().hex
        self.state = SessionState.IDLE
        self.limits = limits or SessionConfig()
        self._model, self._environment = model, environment
        self._system = system
        self._registry = ToolRegistry(coding_tools() if tools is None else tools)
        self._tools = tuple(self._registry.definitions())
        self._model_name, self._role, self._key = model_name, role, key
        self._history = list(history)
        self._on_event, self._on_turn, self._on_tool = on_event, on_turn, on_tool
        self._before_tool, self._after_tool, self._inbox = before_tool, after_tool, inbox
        self._steering: deque[str] = deque()
        self._follow_ups: deque[str] = deque()
        self._signatures: list[str] = []
        self._loop_warnings = 0
        self._abort = asyncio.Event()
        self._started = False

    @property
    def history(self) -> tuple[Turn, ...]:
        """Everything said so far."""
        return tuple(self._history)

    @property
    def system(self) -> str:
        """The system prompt."""
        return self._system

    @property
    def tools(self) -> tuple[Any, ...]:
        """The tools as the model knows them."""
        return self._tools

    def steer(self, message: str) -> None:
        """Put a message in after the current tool round, or with the next submission."""
        self._steering.append(message)

    def follow_up(self, message: str) -> None:
        """Submit a message once the current input is done."""
        self._follow_ups.append(message)

    def abort(self) -> None:
        """Stop at once: the model call is cancelled, a running command is ended, the session
        closes. What `submit` was waiting for ends with the reason ``aborted``.
        """
        self._abort.set()
        if self.state is SessionState.IDLE:
            self._close()

    def close(self) -> None:
        """End an idle session."""
        if self.state is SessionState.IDLE:
            self._close()

    async def submit(self, text: str = "") -> Finished:
        """Let the agent work on an input until it is done.

        Without text it goes on where the history ends, which is how a stored session is resumed.
        An error of the model or of a callback leaves the session idle with a sound history, so
        that the work can go on later; only a rejected key closes it.

        Raises:
            SessionClosed: The session has ended.
            RuntimeError: It is already at work.
            Exception: Whatever the model raised.
        """
        if self.state is SessionState.CLOSED:
            raise SessionClosed("the session is closed")
        if self.state is SessionState.PROCESSING:
            raise RuntimeError("the session is already at work; use steer or follow_up")
        self.state = SessionState.PROCESSING
        if not self._started:
            self._started = True
            self._emit(EventKind.SESSION_START)
        try:
            finished = await self._process(text)
            while self._follow_ups and finished.reason == "done":
                finished = await self._process(self._follow_ups.popleft())
        except _Aborted:
            self._answer_open_calls("aborted: the session was stopped.")
            finished = Finished("aborted", self._last_text(), 0)
        except AuthError as error:
            self._emit(EventKind.ERROR, message=str(error))
            self._close()
            raise
        except Exception as error:
            self._emit(EventKind.ERROR, message=str(error) or type(error).__name__)
            raise
        finally:
            if self.state is SessionState.PROCESSING:
                self.state = SessionState.IDLE
        self._emit(EventKind.PROCESSING_END, reason=finished.reason)
        if self._abort.is_set():
            self._close()
        return finished

    async def _process(self, text: str) -> Finished:
        self._answer_open_calls(_INTERRUPTED)
        if text:
            self._append(UserTurn(text))
            self._emit(EventKind.USER_INPUT, content=text)
        elif self._answered():
            return Finished("done", self._last_text(), 0)
        rounds = cut_off = 0
        while True:
            if reason := self._limit(rounds):
                return Finished(reason, self._last_text(), rounds)
            self._take_in_messages()
            response = await self._ask()
            calls = response.tool_calls
            stop = response.stop_reason
            if stop in ("tool_use", "end_turn", "stop_sequence"):
                cut_off = 0
                if not calls:
                    return Finished("done", response.text, rounds)
                rounds += 1
                await self._run_tools(calls)
                if not self._watch_for_loops(calls):
                    return Finished("loop", response.text, rounds)
            elif stop in ("max_tokens", "pause_turn"):
                cut_off += 1
                if cut_off > self.limits.max_continuations:
                    return Finished("max_tokens", response.text, rounds)
                if stop == "max_tokens":
                    self._answer_open_calls(_CUT_OFF)
                    self._append(SteeringTurn(_CONTINUE))
            else:
                return Finished(_reason(stop), response.text, rounds)

    def _answered(self) -> bool:
        """Whether the history ends with an answer that leaves nothing to do."""
        if not self._history:
            return True
        last = self._history[-1]
        return isinstance(last, AssistantTurn) and last.stop_reason not in (
            "max_tokens",
            "pause_turn",
        )

    def _limit(self, rounds: int) -> str:
        limits = self.limits
        if 0 < limits.max_tool_rounds_per_input <= rounds:
            self._emit(EventKind.TURN_LIMIT, round=rounds)
            return "round_limit"
        total = sum(isinstance(turn, AssistantTurn) for turn in self._history)
        if 0 < limits.max_turns <= total:
            self._emit(EventKind.TURN_LIMIT, total_turns=total)
            return "turn_limit"
        return ""

    def _take_in_messages(self) -> None:
        self._steering.extend(self._inbox())
        while self._steering:
            message = self._steering.popleft()
            self._append(SteeringTurn(message))
            self._emit(EventKind.STEERING_INJECTED, content=message)

    async def _ask(self) -> Response:
        request = Request(
            model=self._model_name,
            messages=to_messages(self._history),
            system=self._system,
            tools=self._tools,
            max_tokens=self.limits.max_tokens,
            role=self._role,
            key=self._key(self._ordinal()) if self._key else "",
        )
        begun = False

        def on_delta(kind: str, piece: str) -> None:
            nonlocal begun
            if not begun:
                begun = True
                self._emit(EventKind.ASSISTANT_TEXT_START)
            self._emit(EventKind.ASSISTANT_TEXT_DELTA, of=kind, text=piece)

        response = await self._unless_aborted(self._model.complete(request, on_delta))
        self._append(
            AssistantTurn(
                response.content,
                response.stop_reason,
                response.model,
                response.id,
                asdict(response.usage),
            )
        )
        self._emit(
            EventKind.ASSISTANT_TEXT_END,
            text=response.text,
            reasoning=response.reasoning or "",
            stop_reason=response.stop_reason,
        )
        self._check_context(response)
        return response

    def _ordinal(self) -> int:
        """How many answers the current input has had; the same again after a resume."""
        count = 0
        for turn in reversed(self._history):
            if isinstance(turn, UserTurn):
                break
            count += isinstance(turn, AssistantTurn)
        return count

    def _check_context(self, response: Response) -> None:
        size = self.limits.context_window_size
        used = response.usage.prompt_tokens + response.usage.billed_output_tokens
        if size and used > 0.8 * size:
            share = round(100 * used / size)
            self._emit(EventKind.WARNING, message=f"Context usage at {share}% of context window")

    async def _run_tools(self, calls: Sequence[ToolCall]) -> None:
        """Run the calls of one answer and add all results as one turn, in order."""
        if self.limits.parallel_tools and len(calls) > 1:
            jobs = [self._run_tool(call) for call in calls]
            records = await self._unless_aborted(_together(jobs))
        else:
            records = [await self._unless_aborted(self._run_tool(call)) for call in calls]
        self._append(
            ToolResultsTurn(
                [
                    ToolResult(record.call.id, self._shown(record), record.is_error)
                    for record in records
                ]
            )
        )

    def _shown(self, record: ToolRecord) -> str:
        return truncate_tool_output(
            record.output,
            record.call.name,
            self.limits.tool_output_limits,
            self.limits.tool_line_limits,
        )

    async def _run_tool(self, call: ToolCall) -> ToolRecord:
        self._emit(
            EventKind.TOOL_CALL_START,
            tool_name=call.name,
            call_id=call.id,
            arguments=call.input,
        )
        await self._before_tool(call)
        began = time.monotonic()
        failed = True
        try:
            output = await self._registry.execute(
                call.name, call.input, self._environment, self.limits
            )
            failed = False
        except ToolError as error:
            output = str(error)
        except Exception as error:
            # A tool that breaks must not break the session; the model can try another way.
            output = f"Tool error ({call.name}): {str(error) or type(error).__name__}"
        ms = round((time.monotonic() - began) * 1000)
        record = ToolRecord(call, summarize_call(call.name, call.input), output, failed, ms)
        await self._after_tool(record)
        if self._on_tool is not None:
            self._on_tool(record)
        result = {"error": output} if failed else {"output": output}
        self._emit(EventKind.TOOL_CALL_END, tool_name=call.name, call_id=call.id, ms=ms, **result)
        return record

    def _watch_for_loops(self, calls: Sequence[ToolCall]) -> bool:
        """Warn an agent that repeats itself; False once it has been warned often enough."""
        if not self.limits.enable_loop_detection:
            return True
        window = self.limits.loop_detection_window
        self._signatures += [call_signature(call.name, call.input) for call in calls]
        if not detect_loop(self._signatures, window):
            return True
        # Each warning needs a whole new window, so that the agent has time to act on it.
        self._signatures.clear()
        self._loop_warnings += 1
        message = _LOOPING.format(window=window)
        self._emit(EventKind.LOOP_DETECTION, message=message)
        self._append(SteeringTurn(message))
        return self._loop_warnings < self.limits.max_loop_warnings

    def _answer_open_calls(self, message: str) -> None:
        """Answer tool calls that nothing has answered: the API refuses to go on otherwise."""
        if calls := unanswered_calls(self._history):
            results = [ToolResult(call["id"], message, is_error=True) for call in calls]
            self._append(ToolResultsTurn(results))

    async def _unless_aborted(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Wait for something, but no longer than until `abort`."""
        task = asyncio.ensure_future(work)
        signal = asyncio.ensure_future(self._abort.wait())
        try:
            await asyncio.wait({task, signal}, return_when=asyncio.FIRST_COMPLETED)
            if self._abort.is_set():
                raise _Aborted
            return task.result()
        finally:
            signal.cancel()
            if not task.done():
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, Exception):
                    await task

    def _append(self, turn: Turn) -> None:
        # Stored first: what is not in the store must not have been acted upon.
        if self._on_turn is not None:
            self._on_turn(turn)
        self._history.append(turn)

    def _last_text(self) -> str:
        answers = (turn.text for turn in reversed(self._history) if isinstance(turn, AssistantTurn))
        return next(answers, "")

    def _close(self) -> None:
        self.state = SessionState.CLOSED
        self._emit(EventKind.SESSION_END, state=str(self.state))

    def _emit(self, kind: EventKind, **data: Any) -> None:
        if self._on_event is not None:
            self._on_event(SessionEvent(kind, self.id, data))


async def _together(jobs: Sequence[Coroutine[Any, Any, _T]]) -> list[_T]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(job) for job in jobs]
    return [task.result() for task in tasks]


def _reason(stop: str) -> str:
    known = {"refusal": "refusal", "model_context_window_exceeded": "context_window"}
    return known.get(stop, f"stopped: {stop}")
