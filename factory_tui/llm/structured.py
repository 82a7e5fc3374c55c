"""Answers that are JSON of a given schema, whole or growing."""

import copy
import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Unpack

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from factory_tui.llm.content import Message
from factory_tui.llm.errors import ConfigurationError, NoObjectGeneratedError
from factory_tui.llm.generation import (
    GenerateOptions,
    GenerateResult,
    StreamResult,
    generate,
    stream,
)
from factory_tui.llm.streaming import StreamEventType
from factory_tui.llm.types import Response, ResponseFormat

__all__ = ["StreamObjectResult", "generate_object", "stream_object"]


def _format(schema: Mapping[str, Any]) -> ResponseFormat:
    """The response format of a schema, as strict as the schema allows.

    Providers enforce only schemas that close every object, so objects that say nothing about
    further properties are closed.
    """
    try:
        Draft202012Validator.check_schema(dict(schema))
    except SchemaError as error:
        raise ConfigurationError(f"not a JSON schema: {error.message}", cause=error) from error
    closed = copy.deepcopy(dict(schema))
    return ResponseFormat("json_schema", closed, strict=_close(closed))


def _close(schema: Any) -> bool:
    """Close the objects of a schema in place; whether a provider could enforce it strictly."""
    if isinstance(schema, list):
        nested = [_close(item) for item in schema]  # all of them, whatever the first says
        return all(nested)
    if not isinstance(schema, dict):
        return True
    strict = True
    if schema.get("type") == "object":
        schema.setdefault("additionalProperties", False)
        properties = schema.get("properties", {})
        strict = schema["additionalProperties"] is False and set(properties) <= set(
            schema.get("required", ())
        )
    inner = [
        _close(value) for key, value in schema.items() if key not in ("enum", "const", "default")
    ]
    return strict and all(inner)


_FENCED = re.compile(r"\s*```(?:json)?\s*\n(.*)\n\s*```\s*", re.DOTALL)


def _parse(response: Response, schema: Mapping[str, Any]) -> Any:
    """The answer's object.

    Raises:
        NoObjectGeneratedError: It has none, or not one of this schema.
    """
    text = response.text
    if response.finish_reason.reason in ("length", "content_filter"):
        why = "was cut off" if response.finish_reason.reason == "length" else "was refused"
        raise NoObjectGeneratedError(f"the answer {why}", text=text)
    fenced = _FENCED.fullmatch(text)
    try:
        value = json.loads(fenced.group(1) if fenced else text)
    except (ValueError, RecursionError) as error:
        raise NoObjectGeneratedError(
            f"the answer is not JSON: {error}", text=text, cause=error
        ) from error
    problem = next(iter(Draft202012Validator(dict(schema)).iter_errors(value)), None)
    if problem is not None:
        raise NoObjectGeneratedError(
            f"the answer does not fit the schema: {problem.message}", text=text
        )
    return value


async def generate_object(
    model: str,
    prompt: str | None = None,
    messages: Sequence[Message] | None = None,
    *,
    schema: Mapping[str, Any],
    **options: Unpack[GenerateOptions],
) -> GenerateResult:
    """Like ``generate``, with an answer of a JSON schema: parsed and checked in ``output``.

    Every provider's own structured output is used. An answer that does not fit is not retried.

    Raises:
        NoObjectGeneratedError: The answer is not JSON, or does not fit the schema.
    """
    options["response_format"] = _format(schema)
    result = await generate(model, prompt, messages, **options)
    return replace(result, output=_parse(result.response, schema))


class StreamObjectResult:
    """An object under way: iterate over its growing versions, then ask for the whole."""

    def __init__(self, events: StreamResult, schema: Mapping[str, Any]) -> None:
        self._events, self._schema = events, schema

    async def __aiter__(self) -> AsyncIterator[Any]:
        from pydantic_core import from_json

        text, last = "", None
        async for event in self._events:
            if event.type == StreamEventType.STEP_FINISH:
                text = ""
            if event.type != StreamEventType.TEXT_DELTA or not event.delta:
                continue
            text += event.delta
            try:
                value = from_json(text, allow_partial="trailing-strings")
            except ValueError:
                continue  # no JSON yet
            if value != last:
                last = value
                yield value

    def object(self) -> Any:
        """The whole object, checked, once the stream has ended.

        Raises:
            NoObjectGeneratedError: The answer is not JSON, or does not fit the schema.
        """
        return _parse(self._events.response(), self._schema)

    def response(self) -> Response:
        """The whole answer."""
        return self._events.response()


def stream_object(
    model: str,
    prompt: str | None = None,
    messages: Sequence[Message] | None = None,
    *,
    schema: Mapping[str, Any],
    **options: Unpack[GenerateOptions],
) -> StreamObjectResult:
    """Like ``generate_object``, yielding the object as it grows."""
    options["response_format"] = _format(schema)
    return StreamObjectResult(stream(model, prompt, messages, **options), schema)
