"""The agent loop: ask the model, run the tools it wants, answer, ask again.

Sections 2, 5.5 and 7 of the coding agent loop specification. A session is made either from a
provider profile (tools, prompt and provider come from it) or from a model and a system prompt of
one's own, which is what a factory does. System prompt and tools are fixed for a session's life and
its history only grows (see `factory_tui.agent.turns`). Before any tool runs, the reason why the
model stopped is checked: an answer that was cut off can look complete.
"""

import uuid
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from factory_tui.agent.asking import Asker, Model
from factory_tui.agent.boxed import BoxEnvironment
from factory_tui.agent.calling import ToolRecord, ToolRunner, nothing
from factory_tui.agent.config import SessionConfig
from factory_tui.agent.context import discover_project_docs, git_context
from factory_tui.agent.environment import CommandRunner, ExecutionEnvironment, resolved
from factory_tui.agent.events import EventEmitter, EventKind, SessionEvent
from factory_tui.agent.history import History
from factory_tui.agent.loops import LoopWatch
from factory_tui.agent.profiles import ProviderProfile
from factory_tui.agent.subagents import CURRENT_SESSION, SUBAGENT_TOOLS, SubAgentHandle
from factory_tui.agent.tools import RegisteredTool, ToolError, ToolRegistry, coding_tools
from factory_tui.agent.turns import SteeringTurn, ToolResultsTurn, Turn, UserTurn
from factory_tui.agent.waiting import Aborted, AbortSwitch
from factory_tui.llm import (
    AbortSignal,
    AuthError,
    ContextLengthError,
    RetryPolicy,
    SDKError,
    ToolCall,
    get_default_client,
)

__all__ = ["Finished", "Session", "SessionClosed", "SessionState", "process_input"]

_INTERRUPTED: Final = (
    "interrupted: the session stopped before this call was answered. It may have run in part; "
    "look at the state of the workspace before you rely on it."
)
_CUT_OFF: Final = "not run: your answer was cut off before it was complete."
_CONTINUE: Final = (
    "Your answer reached the output limit and was cut off. Go on from where it ended; write long "
    "files in several smaller steps."
)


class SessionState(StrEnum):
    """The lifecycle of a session."""

    IDLE = "idle"
    PROCESSING = "processing"
    AWAITING_INPUT = "awaiting_input"
    CLOSED = "closed"


class SessionClosed(RuntimeError):
    """The session was aborted or closed and takes no more input."""


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
        before_tool: Callable[[ToolCall], Awaitable[None]] = nothing,
        after_tool: Callable[[ToolRecord], Awaitable[None]] = nothing,
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
        model: Model | None
        self._environment: Any = environment
        if isinstance(profile, ProviderProfile):
            model = llm_client
            if not isinstance(environment, ExecutionEnvironment) and hasattr(environment, "exec"):
                self._environment = BoxEnvironment(environment)
            registry = profile.tool_registry
            given = [tool for name in registry.names() if (tool := registry.get(name))]
            if depth >= self.config.max_subagent_depth:
                given = [tool for tool in given if tool.definition.name not in SUBAGENT_TOOLS]
        else:
            model, given = profile, coding_tools()
            if system is None:
                raise TypeError("without a profile, a session needs a system prompt")
        self._registry = ToolRegistry(given if tools is None else tools)
        self._history = History(history, on_turn)
        self._abort = AbortSwitch(abort_signal)
        self._asker = Asker(
            self._history,
            self.config,
            self._emit,
            profile=self._profile,
            model=model,
            model_name=model_name or (self._profile.model if self._profile else ""),
            system=system,
            tools=self._registry.definitions(),
            role=role,
            key=key,
            retry_policy=retry_policy,
        )
        self._runner = ToolRunner(
            self._registry,
            self._environment,
            self.config,
            self._emit,
            self._abort,
            parallel=bool(self._profile and self._profile.supports_parallel_tool_calls),
            entering=lambda: CURRENT_SESSION.set(self),
            before=before_tool,
            after=after_tool,
            on_tool=on_tool,
        )
        self._watch = LoopWatch(self.config)
        self._inbox = inbox
        self._steering: deque[str] = deque()
        self._follow_ups: deque[str] = deque()
        self._started = False

    @property
    def history(self) -> tuple[Turn, ...]:
        """Everything said so far."""
        return tuple(self._history.turns)

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
        return self._asker.model

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
        return self._asker.system or ""

    @property
    def tools(self) -> tuple[Any, ...]:
        """The tools as the model knows them."""
        return self._asker.tools

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
            "llm_client": self._asker.model,
            "role": self._asker.role,
            "retry_policy": self._asker.retry_policy,
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
        self._abort.heed(self.abort)
        if not self._started:
            self._started = True
            self._emit(EventKind.SESSION_START)
        try:
            await self._abort.unless_set(self._prepare())
            finished = await self._process(text)
            while self._follow_ups and finished.reason == "done":
                finished = await self._process(self._follow_ups.popleft())
        except Aborted:
            self._history.answer_open_calls("aborted: the session was stopped.")
            finished = Finished("aborted", self._history.last_text, 0)
        except ContextLengthError as error:
            message = f"The conversation no longer fits the model: {error}"
            self._emit(EventKind.WARNING, message=message)
            if self._profile is None:
                raise
            finished = Finished("context_window", self._history.last_text, 0)
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
        if self._abort.is_set:
            await self._shut_down()
        return finished

    async def _shut_down(self) -> None:
        """End the subagents, then the session."""
        for handle in self.subagents.values():
            await handle.close()
        self._close()

    async def _prepare(self) -> None:
        """Build the system prompt, once: what a model has thought is bound to it."""
        profile, asker = self._profile, self._asker
        if profile is None or asker.system is not None:
            return
        if asker.model is None:
            asker.model = get_default_client()
        env = self._environment
        if (initialize := getattr(env, "initialize", None)) is not None:
            await resolved(initialize())
        git = await git_context(env)
        docs = await discover_project_docs(env, profile.doc_names, git.root)
        asker.system = profile.build_system_prompt(
            env, docs, user_instructions=self.config.user_instructions, git=git
        )
        asker.tools = tuple(self._registry.definitions())

    async def _process(self, text: str) -> Finished:
        self._history.answer_open_calls(_INTERRUPTED)
        if text:
            self._history.add(UserTurn(text))
            self._emit(EventKind.USER_INPUT, content=text)
        elif self._history.answered:
            return Finished("done", self._history.last_text, 0)
        rounds = cut_off = 0
        while True:
            if reason := self._limit(rounds):
                return Finished(reason, self._history.last_text, rounds)
            self._take_in_messages()
            response, turn = await self._abort.unless_set(self._asker.ask())
            self._history.add(turn)
            self._asker.tell(response)
            calls = response.tool_calls
            stop = response.stop_reason
            if stop in ("tool_use", "end_turn", "stop_sequence"):
                cut_off = 0
                if not calls:
                    return Finished("done", response.text, rounds)
                rounds += 1
                self._history.add(ToolResultsTurn(await self._runner.run(calls)))
                if warning := self._watch.saw(calls):
                    self._emit(EventKind.LOOP_DETECTION, message=warning)
                    self._history.add(SteeringTurn(warning))
                    if self._watch.in_vain:
                        return Finished("loop", response.text, rounds)
            elif stop in ("max_tokens", "pause_turn"):
                cut_off += 1
                if cut_off > self.limits.max_continuations:
                    return Finished("max_tokens", response.text, rounds)
                if stop == "max_tokens":
                    self._history.answer_open_calls(_CUT_OFF)
                    self._history.add(SteeringTurn(_CONTINUE))
            else:
                return Finished(_reason(stop), response.text, rounds)

    def _limit(self, rounds: int) -> str:
        limits = self.limits
        if 0 < limits.max_tool_rounds_per_input <= rounds:
            self._emit(EventKind.TURN_LIMIT, round=rounds)
            return "round_limit"
        total = self._history.answers
        if 0 < limits.max_turns <= total:
            self._emit(EventKind.TURN_LIMIT, total_turns=total)
            return "turn_limit"
        return ""

    def _take_in_messages(self) -> None:
        self._steering.extend(self._inbox())
        while self._steering:
            message = self._steering.popleft()
            self._history.add(SteeringTurn(message))
            self._emit(EventKind.STEERING_INJECTED, content=message)

    def _close(self) -> None:
        self._abort.forget()
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


def _reason(stop: str) -> str:
    known = {"refusal": "refusal", "model_context_window_exceeded": "context_window"}
    return known.get(stop, f"stopped: {stop}")
