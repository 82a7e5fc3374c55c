"""Asking the model: from a session's history to the turn that its answer becomes."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any, Protocol

from factory_tui.agent.config import SessionConfig
from factory_tui.agent.events import Emit, EventKind
from factory_tui.agent.history import History
from factory_tui.agent.profiles import ProviderProfile
from factory_tui.agent.turns import AssistantTurn, part_to_json, to_conversation, to_messages
from factory_tui.llm import Request, Response, RetryPolicy, SDKError, retry

__all__ = ["Asker", "Model"]


class Model(Protocol):
    """What answers requests; a `factory_tui.llm.Client` or anything like it."""

    async def complete(
        self, request: Request, on_delta: Callable[[str, str], None] | None = None
    ) -> Response:
        """Answer one request, telling ``on_delta`` (kind, piece) while it comes in."""
        ...


class Asker:
    """Makes the model calls of one session.

    Attributes:
        model: What answers; needed before the first call.
        system: The system prompt; None until a profile's is built.
        tools: The tools as the model knows them.
        retry_policy: How failed calls are repeated, with a profile.
    """

    def __init__(
        self,
        history: History,
        config: SessionConfig,
        emit: Emit,
        *,
        profile: ProviderProfile | None,
        model: Model | None,
        model_name: str,
        system: str | None,
        tools: Sequence[Any],
        role: str,
        key: Callable[[int], str] | None,
        retry_policy: RetryPolicy | None,
    ) -> None:
        self._history, self._config, self._emit = history, config, emit
        self._profile = profile
        self.model = model
        self._model_name = model_name
        self.system = system
        self.tools = tuple(tools)
        self.role = role
        self._key = key
        self.retry_policy = retry_policy

    async def ask(self) -> tuple[Response, AssistantTurn]:
        """Ask once; the answer, told while it comes in, and the turn it is to become."""
        begun = False

        def on_delta(kind: str, piece: str) -> None:
            nonlocal begun
            if not begun:
                begun = True
                self._emit(EventKind.ASSISTANT_TEXT_START)
            self._emit(EventKind.ASSISTANT_TEXT_DELTA, of=kind, text=piece)

        response = await self._complete(self._request(), on_delta)
        if not begun and self._profile is not None:
            on_delta("text", response.text)
        foreign = response.provider != "anthropic"
        return response, AssistantTurn(
            response.content,
            response.stop_reason,
            response.model,
            response.id,
            asdict(response.usage),
            parts=[part_to_json(part) for part in response.message.content] if foreign else [],
        )

    def tell(self, response: Response) -> None:
        """Say that an answer is whole, and whether the conversation becomes too long."""
        self._emit(
            EventKind.ASSISTANT_TEXT_END,
            text=response.text,
            reasoning=response.reasoning or "",
            stop_reason=response.stop_reason,
        )
        size = self._config.context_window_size
        if not size and self._profile is not None:
            size = self._profile.context_window_size
        used = response.usage.prompt_tokens + response.usage.billed_output_tokens
        if not used:  # the server did not say: a token has about four characters
            messages = to_messages(self._history.turns)
            used = sum(len(str(message)) for message in messages) // 4
        if size and used > 0.8 * size:
            share = round(100 * used / size)
            self._emit(EventKind.WARNING, message=f"Context usage at {share}% of context window")

    def _request(self) -> Request:
        turns = self._history.turns
        request = Request(
            model=self._model_name,
            messages=to_messages(turns),
            system=self.system or "",
            tools=self.tools,
            max_tokens=self._config.max_tokens,
            role=self.role,
            key=self._key(self._history.ordinal) if self._key else "",
            reasoning_effort=self._config.reasoning_effort,
        )
        if (profile := self._profile) is None:
            return request
        return replace(
            request,
            messages=to_conversation(turns),
            provider=profile.id,
            tool_choice="auto" if self.tools else None,
            provider_options=profile.provider_options(),
        )

    async def _complete(self, request: Request, on_delta: Callable[[str, str], None]) -> Response:
        """One answer; with a profile, failures that may pass are tried again."""
        model = self.model
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
        policy = self.retry_policy or RetryPolicy()
        told = policy.on_retry

        def on_retry(error: SDKError, attempt: int, delay: float) -> None:
            on_delta("retry", "")
            if told is not None:
                told(error, attempt, delay)

        return await retry(once, replace(policy, on_retry=on_retry))


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
