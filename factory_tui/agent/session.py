"""The agent loop: ask the model, run the tools it wants, answer, ask again.

Sections 2, 5.5 and 7 of the coding agent loop specification. A session is made either from a
provider profile (tools, prompt and provider come from it) or from a model and a system prompt of
one's own, which is what a factory does. System prompt and tools are fixed for a session's life and
its history only grows (see `factory_tui.agent.turns`). Before any tool runs, the reason why the
model stopped is checked: an answer that was cut off can look complete.
"""

import asyncio
import contextlib
import inspect
import time
import uuid
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any, Final, Protocol, TypeVar

from factory_tui.agent.boxed import BoxEnvironment
from factory_tui.agent.config import SessionConfig
from factory_tui.agent.context import discover_project_docs, git_context
from factory_tui.agent.environment import CommandRunner, ExecutionEnvironment, resolved
from factory_tui.agent.events import EventEmitter, EventKind, SessionEvent
from factory_tui.agent.loops import call_signature, detect_loop
from factory_tui.agent.profile_tools import ON_OUTPUT
from factory_tui.agent.profiles import ProviderProfile
from factory_tui.agent.subagents import CURRENT_SESSION, SUBAGENT_TOOLS, SubAgentHandle
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
    part_to_json,
    to_conversation,
    to_messages,
    unanswered_calls,
)
from factory_tui.llm import (
    AbortSignal,
    AuthError,
    ContextLengthError,
    Request,
    Response,
    RetryPolicy,
    SDKError,
    ToolCall,
    get_default_client,
    retry,
)

__all__ = [
    "Finished",
    "Model",
    "Session",
    "SessionClosed",
    "SessionState",
    "ToolRecord",
    "process_input",
]

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
    AWAITING_INPUT = "awaiting_input"
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
        profile: A provider profile; or, with ``system``, what answers.
        environment: Where tools run. With a profile, anything that only runs commands is made a
            whole environment.
        config: What the session may do (``limits`` is the same).
        llm_client: What answers, with a profile; the default client if not given. All subagents
            use it too, so they share its ledger.
        system: The system prompt, for good; with a profile it is built at the first input.
        tools: The tools, for good; the profile's, or the six coding tools if not given.
        retry_policy: How failed model calls are repeated, with a profile; a client that retries
            by itself is left to it.
        abort_signal: Aborts the session when set, from any thread.
        depth: How deep this session is nested in others, as a subagent.
        child_options: Gives what a subagent's session is made with besides, as arguments of this
            class (hooks, callbacks, tools); called once for each.
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
        profile: ProviderProfile | Model,
        environment: ExecutionEnvironment | CommandRunner,
        config: SessionConfig | None = None,
        *,
        llm_client: Model | None = None,
        system: str | None = None,
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
        retry_policy: RetryPolicy | None = None,
        abort_signal: AbortSignal | None = None,
        depth: int = 0,
        child_options: Callable[[], dict[str, Any]] = dict,
    ) -> None:
        self.id = str(uuid.uuid4())
        self.state = SessionState.IDLE
        self.config = config or limits or SessionConfig()
        self.event_emitter = EventEmitter()
        if on_event is not None:
            self.event_emitter.on(on_event)
        self.subagents: dict[str, SubAgentHandle] = {}
        self.depth = depth
        self._child_options = child_options
        self._profile = profile if isinstance(profile, ProviderProfile) else None
        self._model: Model | None
        self._environment: Any = environment
        if isinstance(profile, ProviderProfile):
            self._model = llm_client
            if not isinstance(environment, ExecutionEnvironment) and hasattr(environment, "exec"):
                self._environment = BoxEnvironment(environment)
            registry = profile.tool_registry
            given = [tool for name in registry.names() if (tool := registry.get(name))]
            if depth >= self.config.max_subagent_depth:
                given = [tool for tool in given if tool.definition.name not in SUBAGENT_TOOLS]
        else:
            self._model, given = profile, coding_tools()
            if system is None:
                raise TypeError("without a profile, a session needs a system prompt")
        self._system = system
        self._registry = ToolRegistry(given if tools is None else tools)
        self._tools = tuple(self._registry.definitions())
        self._model_name = model_name or (self._profile.model if self._profile else "")
        self._role, self._key = role, key
        self._retry_policy, self._abort_signal = retry_policy, abort_signal
        self._forget_signal: Callable[[], None] | None = None
        self._history = list(history)
        self._on_turn, self._on_tool = on_turn, on_tool
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
    def limits(self) -> SessionConfig:
        """``config`` by its other name."""
        return self.config

    @property
    def provider_profile(self) -> ProviderProfile | None:
        """The profile it was made from, if it was."""
        return self._profile

    @property
    def execution_env(self) -> Any:
        """Where its tools run."""
        return self._environment

    @property
    def llm_client(self) -> Model | None:
        """What answers; None until the default client is needed."""
        return self._model

    @property
    def closed(self) -> bool:
        """Whether it takes no more input."""
        return self.state is SessionState.CLOSED

    @property
    def steering_queue(self) -> tuple[str, ...]:
        """Messages that wait to be put in."""
        return tuple(self._steering)

    @property
    def followup_queue(self) -> tuple[str, ...]:
        """Inputs that wait for the current one to end."""
        return tuple(self._follow_ups)

    def events(self) -> AsyncIterator[SessionEvent]:
        """All events from now on, until the session ends."""
        return self.event_emitter.subscribe()

    @property
    def system(self) -> str:
        """The system prompt; empty until a profile's is built."""
        return self._system or ""

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
        closes, with all its subagents. What `submit` was waiting for ends with the reason
        ``aborted``.
        """
        self._abort.set()
        if self.state in (SessionState.IDLE, SessionState.AWAITING_INPUT):
            self._abort_subagents()
            self._close()

    def close(self) -> None:
        """End an idle session and its subagents."""
        if self.state in (SessionState.IDLE, SessionState.AWAITING_INPUT):
            self._abort_subagents()
            self._close()

    def _abort_subagents(self) -> None:
        for handle in self.subagents.values():
            handle.session.abort()

    async def process_input(self, user_input: str) -> "Finished":
        """`submit` under the specification's other name."""
        return await self.submit(user_input)

    def child(self, environment: Any, model: str = "", max_turns: int = 0) -> "Session":
        """A session for a subagent: same client, same kind of tools, a history of its own.

        Raises:
            ToolError: This session has no profile to make one from.
        """
        if self._profile is None:
            raise ToolError("this session cannot have subagents")
        made: dict[str, Any] = {
            "llm_client": self._model,
            "role": self._role,
            "retry_policy": self._retry_policy,
            "depth": self.depth + 1,
            "child_options": self._child_options,
            **self._child_options(),
        }
        return Session(
            self._profile.with_model(model) if model else self._profile,
            environment,
            replace(self.config, max_turns=max_turns),
            **made,
        )

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
        self._heed_signal()
        if not self._started:
            self._started = True
            self._emit(EventKind.SESSION_START)
        try:
            await self._unless_aborted(self._prepare())
            finished = await self._process(text)
            while self._follow_ups and finished.reason == "done":
                finished = await self._process(self._follow_ups.popleft())
        except _Aborted:
            self._answer_open_calls("aborted: the session was stopped.")
            finished = Finished("aborted", self._last_text(), 0)
        except ContextLengthError as error:
            message = f"The conversation no longer fits the model: {error}"
            self._emit(EventKind.WARNING, message=message)
            if self._profile is None:
                raise
            finished = Finished("context_window", self._last_text(), 0)
        except AuthError as error:
            self._emit(EventKind.ERROR, message=str(error))
            await self._shut_down()
            raise
        except Exception as error:
            self._emit(EventKind.ERROR, message=str(error) or type(error).__name__)
            # A factory goes on later; others would only meet the same refusal again.
            if self._profile and isinstance(error, SDKError) and not error.retryable:
                await self._shut_down()
            raise
        finally:
            if self.state is SessionState.PROCESSING:
                self.state = SessionState.IDLE
        if finished.reason == "done" and _asks(finished.text):
            self.state = SessionState.AWAITING_INPUT
        self._emit(EventKind.PROCESSING_END, reason=finished.reason)
        if self._abort.is_set():
            await self._shut_down()
        return finished

    async def _shut_down(self) -> None:
        """End the subagents, then the session."""
        for handle in self.subagents.values():
            await handle.close()
        self._close()

    def _heed_signal(self) -> None:
        """From now on, an abort signal aborts this session."""
        if self._abort_signal is not None and self._forget_signal is None:
            loop = asyncio.get_running_loop()

            def abort() -> None:
                loop.call_soon_threadsafe(self.abort)

            if self._abort_signal.aborted:
                self._abort.set()
            self._forget_signal = self._abort_signal.listen(abort)

    async def _prepare(self) -> None:
        """Build the system prompt, once: what a model has thought is bound to it."""
        profile = self._profile
        if profile is None or self._system is not None:
            return
        if self._model is None:
            self._model = get_default_client()
        env = self._environment
        if (initialize := getattr(env, "initialize", None)) is not None:
            await resolved(initialize())
        git = await git_context(env)
        docs = await discover_project_docs(env, profile.doc_names, git.root)
        self._system = profile.build_system_prompt(
            env, docs, user_instructions=self.config.user_instructions, git=git
        )
        self._tools = tuple(self._registry.definitions())

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
            system=self.system,
            tools=self._tools,
            max_tokens=self.limits.max_tokens,
            role=self._role,
            key=self._key(self._ordinal()) if self._key else "",
            reasoning_effort=self.config.reasoning_effort,
        )
        if (profile := self._profile) is not None:
            request = replace(
                request,
                messages=to_conversation(self._history),
                provider=profile.id,
                tool_choice="auto" if self._tools else None,
                provider_options=profile.provider_options(),
            )
        begun = False

        def on_delta(kind: str, piece: str) -> None:
            nonlocal begun
            if not begun:
                begun = True
                self._emit(EventKind.ASSISTANT_TEXT_START)
            self._emit(EventKind.ASSISTANT_TEXT_DELTA, of=kind, text=piece)

        response = await self._unless_aborted(self._complete(request, on_delta))
        if not begun and self._profile is not None:
            on_delta("text", response.text)
        foreign = response.provider != "anthropic"
        self._append(
            AssistantTurn(
                response.content,
                response.stop_reason,
                response.model,
                response.id,
                asdict(response.usage),
                parts=[part_to_json(part) for part in response.message.content] if foreign else [],
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

    async def _complete(self, request: Request, on_delta: Callable[[str, str], None]) -> Response:
        """One answer; with a profile, failures that may pass are tried again."""
        model = self._model
        if model is None:
            raise TypeError("no model")
        if self._profile is None:
            return await model.complete(request, on_delta)
        streams = self._profile.supports_streaming and _takes_two(model.complete)

        async def once() -> Response:
            if streams:
                return await model.complete(request, on_delta)
            return await model.complete(request)

        if getattr(model, "retries_itself", False):
            return await once()
        policy = self._retry_policy or RetryPolicy()
        told = policy.on_retry

        def on_retry(error: SDKError, attempt: int, delay: float) -> None:
            on_delta("retry", "")
            if told is not None:
                told(error, attempt, delay)

        return await retry(once, replace(policy, on_retry=on_retry))

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
        if not size and self._profile is not None:
            size = self._profile.context_window_size
        used = response.usage.prompt_tokens + response.usage.billed_output_tokens
        if not used:  # the server did not say: a token has about four characters
            used = sum(len(str(message)) for message in to_messages(self._history)) // 4
        if size and used > 0.8 * size:
            share = round(100 * used / size)
            self._emit(EventKind.WARNING, message=f"Context usage at {share}% of context window")

    async def _run_tools(self, calls: Sequence[ToolCall]) -> None:
        """Run the calls of one answer and add all results as one turn, in order."""
        profile = self._profile
        parallel = profile is not None and profile.supports_parallel_tool_calls
        if (self.limits.parallel_tools or parallel) and len(calls) > 1:
            jobs = [self._run_tool(call) for call in calls]
            records = await self._unless_aborted(_together(jobs))
        else:
            records = [await self._unless_aborted(self._run_tool(call)) for call in calls]
        self._append(
            ToolResultsTurn(
                [
                    ToolResult(record.call.id, await self._shown(record), record.is_error)
                    for record in records
                ]
            )
        )

    async def _shown(self, record: ToolRecord) -> str:
        """What the model sees of a result; the rest goes where it can read it."""
        shown = truncate_tool_output(
            record.output,
            record.call.name,
            self.limits.tool_output_limits,
            self.limits.tool_line_limits,
        )
        save = getattr(self._environment, "save_output", None)
        if shown == record.output or save is None or record.call.name != "shell":
            return shown
        path = await resolved(save(f"{record.call.name}-{record.call.id}", record.output))
        return f"{shown}\n[The full output is in {path}; use read_file or grep on it.]"

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
        CURRENT_SESSION.set(self)
        ON_OUTPUT.set(
            lambda piece: self._emit(
                EventKind.TOOL_CALL_OUTPUT_DELTA,
                tool_name=call.name,
                call_id=call.id,
                delta=piece,
            )
        )
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
        result = {"output": output} | ({"error": output} if failed else {})
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
        if self._forget_signal is not None:
            self._forget_signal()
        self.state = SessionState.CLOSED
        self._emit(EventKind.SESSION_END, state=str(self.state))

    def _emit(self, kind: EventKind, **data: Any) -> None:
        self.event_emitter.emit(SessionEvent(kind, self.id, data))


async def process_input(session: Session, user_input: str) -> Finished:
    """Let a session work on an input; see `Session.submit`."""
    return await session.submit(user_input)


def _asks(text: str) -> bool:
    """Whether an answer ends with a question to the user."""
    return text.rstrip().rstrip("*_`)\"'").endswith("?")


def _takes_two(complete: Callable[..., Any]) -> bool:
    """Whether a client's ``complete`` also takes a callback for what streams in."""
    try:
        parameters = inspect.signature(complete).parameters.values()
    except (TypeError, ValueError):
        return False
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(p.kind in positional for p in parameters) > 1 or any(
        p.kind == p.VAR_POSITIONAL for p in parameters
    )


async def _together(jobs: Sequence[Coroutine[Any, Any, _T]]) -> list[_T]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(job) for job in jobs]
    return [task.result() for task in tasks]


def _reason(stop: str) -> str:
    known = {"refusal": "refusal", "model_context_window_exceeded": "context_window"}
    return known.get(stop, f"stopped: {stop}")
