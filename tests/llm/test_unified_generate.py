"""Unified LLM specification, Definition of Done 8.4, 8.7, 8.8, 8.9 and 8.10: the high level."""

import asyncio
import threading
from typing import Any

import pytest

from factory_tui.llm import (
    AbortController,
    AbortError,
    AbortSignal,
    AuthenticationError,
    ConfigurationError,
    ContentKind,
    ContentPart,
    ImageData,
    Message,
    NoObjectGeneratedError,
    NotFoundError,
    RateLimitError,
    RequestTimeoutError,
    RetryPolicy,
    SDKError,
    ServerError,
    TimeoutConfig,
    Tool,
    ToolCall,
    generate,
    generate_object,
    get_latest_model,
    stream,
    stream_object,
)
from tests.llm.providers import MODELS, PROVIDERS, Providers, Step, cut, fail, say

every_provider = pytest.mark.parametrize("provider", PROVIDERS)
CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
}
QUICK = RetryPolicy(base_delay=0.001)


def weather(city: str) -> str:
    return f"72F and sunny in {city}"


WEATHER = Tool("get_weather", "The weather.", CITY, weather)


def calling(*cities: str, **fields: Any) -> Step:
    calls = [(f"call_{n}", "get_weather", {"city": city}) for n, city in enumerate(cities)]
    return say(text="", calls=calls, **fields)


def results(provider: str, body: dict[str, Any]) -> list[str]:
    """The tool results in the last message of a request, as text."""
    if provider == "anthropic":
        blocks = body["messages"][-1]["content"]
        return [b["content"] for b in blocks if b["type"] == "tool_result"]
    if provider == "openai":
        return [i["output"] for i in body["input"] if i["type"] == "function_call_output"]
    found = [p["functionResponse"]["response"] for p in body["contents"][-1]["parts"]]
    return [str(one.get("result", one.get("error"))) for one in found]


# 8.4


@every_provider
async def test_prompt_and_messages(providers: Providers, provider: str) -> None:
    """8.4 and 8.9 generate() with a prompt, with messages, never with both."""
    client, model = providers.client(), MODELS[provider]
    result = await generate(model, prompt="Hi", provider=provider, client=client, max_tokens=50)
    assert (result.text, result.finish_reason.reason) == ("Hello there.", "stop")
    assert result.usage == result.total_usage and len(result.steps) == 1
    messages = [Message.user("Hi"), Message.assistant("Yes?"), Message.user("Go on")]
    await generate(model, messages=messages, system="S", provider=provider, client=client)
    assert "Go on" in str(providers.bodies[1]) and "'S'" in str(providers.bodies[1])
    for wrong in ({"prompt": "a", "messages": messages}, {}):
        with pytest.raises(ConfigurationError):
            await generate(model, client=client, **wrong)  # type: ignore[arg-type]
        with pytest.raises(ConfigurationError):
            stream(model, client=client, **wrong)  # type: ignore[arg-type]


@every_provider
async def test_stream(providers: Providers, provider: str) -> None:
    """8.4 and 8.9 stream(): start, deltas that add up to the response's text, finish."""
    client = providers.client()
    result = stream(MODELS[provider], "Hi", provider=provider, client=client)
    assert result.partial_response is not None
    with pytest.raises(SDKError):
        result.response()
    events = [event async for event in result]
    assert [str(e.type) for e in events] == [
        "stream_start",
        "text_start",
        *["text_delta"] * sum(e.type == "text_delta" for e in events),
        "text_end",
        "finish",
    ]
    assert "".join(e.delta or "" for e in events) == result.response().text == "Hello there."
    assert events[-1].usage == result.response().usage == result.total_usage
    only_text = stream(MODELS[provider], "Hi", provider=provider, client=client).text_stream
    assert "".join([piece async for piece in only_text]) == "Hello there."


@every_provider
async def test_objects(providers: Providers, provider: str) -> None:
    """8.4 and 8.9 generate_object(): parsed and checked; else NoObjectGeneratedError."""
    client = providers.client()
    good = '{"name": "Alice", "age": 30}'
    bad = ["no json", '{"name": "Alice", "age": "old"}', '{"name": "Alice"}']
    providers.steps = [
        say(text=good),
        say(text=f"```json\n{good}\n```"),
        *(say(text=b) for b in bad),
    ]

    async def extract() -> Any:
        result = await generate_object(
            MODELS[provider], "Alice is 30", schema=PERSON, provider=provider, client=client
        )
        return result.output

    assert await extract() == {"name": "Alice", "age": 30}
    assert await extract() == {"name": "Alice", "age": 30}
    for text in bad:
        with pytest.raises(NoObjectGeneratedError) as caught:
            await extract()
        assert caught.value.text == text
    assert len(providers.bodies) == 5  # what does not fit is not retried
    with pytest.raises(ConfigurationError):
        await generate_object("m", "x", schema={"type": "no such"}, client=client)


@every_provider
async def test_growing_objects(providers: Providers, provider: str) -> None:
    """4.6 stream_object() yields growing objects and the checked whole."""
    providers.steps = [say(text='{"name": "Alice Liddell", "age": 30}'), say(text='{"name": "A"}')]
    client = providers.client()
    options: Any = {"schema": PERSON, "provider": provider, "client": client}
    growing = stream_object(MODELS[provider], "Alice is 30", **options)
    partial = [value async for value in growing]
    assert partial[-1] == growing.object() == {"name": "Alice Liddell", "age": 30}
    assert "Alice Liddell".startswith(partial[0].get("name", ""))
    wrong = stream_object(MODELS[provider], "Alice is 30", **options)
    assert [value async for value in wrong][-1] == {"name": "A"}
    with pytest.raises(NoObjectGeneratedError):
        wrong.object()


async def until_asked(providers: Providers, times: int) -> None:
    while len(providers.bodies) < times:
        await asyncio.sleep(0.005)


@every_provider
async def test_abort(providers: Providers, provider: str) -> None:
    """8.4 Abort signals end generate() and stream(), from any thread."""
    client = providers.client()
    for streaming in (False, True):
        providers.steps = [cut(1, "silence") if streaming else say(pause=60)]
        controller = AbortController()

        async def run(signal: AbortSignal, streaming: bool = streaming) -> None:
            options: Any = {"provider": provider, "client": client, "abort_signal": signal}
            if not streaming:
                await generate(MODELS[provider], "Hi", **options)
                return
            async for _ in stream(MODELS[provider], "Hi", **options):
                pass

        task = asyncio.ensure_future(run(controller.signal))
        await until_asked(providers, 1 + streaming)
        threading.Thread(target=controller.abort).start()
        with pytest.raises(AbortError):
            await task
        with pytest.raises(AbortError):  # set before it begins
            await run(controller.signal)
    assert len(providers.bodies) == 2


@every_provider
@pytest.mark.parametrize("timeout", [1.5, TimeoutConfig(per_step=1.5)])
async def test_timeouts(providers: Providers, provider: str, timeout: Any) -> None:
    """8.4 Total and per-step timeouts end generate() and stream(); they are not retried."""
    client = providers.client()
    options: Any = {"provider": provider, "client": client, "timeout": timeout}
    # The SDK is imported by the first request, which may take longer than these timeouts.
    await generate(MODELS[provider], "Hi", provider=provider, client=client)
    providers.steps = [say(pause=60), cut(1, "silence")]
    with pytest.raises(RequestTimeoutError):
        await generate(MODELS[provider], "Hi", **options)
    with pytest.raises(RequestTimeoutError):
        async for _ in stream(MODELS[provider], "Hi", **options):
            pass
    assert len(providers.bodies) == 3


# 8.7


@every_provider
async def test_parallel_tools(providers: Providers, provider: str) -> None:
    """8.7 and 8.9 All calls run at once; all results go back in one request, in order."""
    together = asyncio.Barrier(3)

    async def slow(city: str) -> dict[str, str]:
        await asyncio.wait_for(together.wait(), 10)  # passes only if all three are running
        await asyncio.sleep({"Rome": 0.05, "Oslo": 0.0, "Bonn": 0.02}[city])
        return {"in": city}

    tool = Tool("get_weather", "x", CITY, slow)
    providers.steps = [calling("Rome", "Oslo", "Bonn"), say(text="Done.")]
    result = await generate(
        MODELS[provider], "Hi", tools=[tool], provider=provider, client=providers.client()
    )
    assert result.text == "Done." and len(result.steps) == 2
    assert [r.content["in"] for r in result.steps[0].tool_results] == ["Rome", "Oslo", "Bonn"]
    assert len(providers.bodies) == 2
    sent = str(providers.bodies[1])
    assert sent.index("Rome") < sent.index("Oslo") < sent.index("Bonn")


@every_provider
async def test_rounds(providers: Providers, provider: str) -> None:
    """8.7 and 8.9 Loops of many rounds; max_tool_rounds, 0 rounds, stop_when; steps and usage."""
    client = providers.client()
    options: Any = {"tools": [WEATHER], "provider": provider, "client": client}

    async def run(**more: Any) -> Any:
        providers.steps = [calling("Rome") for _ in range(4)] + [say(text="Done.")]
        providers.bodies.clear()
        return await generate(MODELS[provider], "Hi", **options, **more)

    result = await run(max_tool_rounds=9)
    assert (result.text, len(result.steps)) == ("Done.", 5)
    assert result.total_usage.total_tokens == 5 * 120
    assert result.usage.total_tokens == 120
    step = result.steps[3]
    assert step.tool_calls[0].arguments == {"city": "Rome"}
    assert step.tool_results[0].content == "72F and sunny in Rome"
    result = await run()  # one round unless told otherwise
    assert len(result.steps) == 2 and result.tool_calls and not result.tool_results
    result = await run(max_tool_rounds=0)
    assert len(result.steps) == 1 and result.tool_results == []
    result = await run(max_tool_rounds=9, stop_when=lambda steps: len(steps) == 3)
    assert len(result.steps) == 3 and len(providers.bodies) == 3


@every_provider
async def test_passive_tools(providers: Providers, provider: str) -> None:
    """8.7 Tools without a handler: the calls come back, nothing loops."""
    providers.steps = [calling("Rome")]
    tool = Tool("get_weather", "x", CITY)
    result = await generate(
        MODELS[provider], "Hi", tools=[tool], provider=provider, client=providers.client()
    )
    assert [c.arguments for c in result.tool_calls] == [{"city": "Rome"}]
    assert result.finish_reason.reason == "tool_calls"
    assert len(providers.bodies) == 1


@every_provider
async def test_tool_failures_are_results(providers: Providers, provider: str) -> None:
    """8.7 Errors, unknown tools and bad arguments become error results; the rest still runs."""

    def breaks(city: str) -> str:
        if city == "Atlantis":
            raise LookupError("no such city")
        return "fine"

    calls: list[tuple[str, str, dict[str, Any]]] = [
        ("c1", "get_weather", {"city": "Atlantis"}),
        ("c2", "nonesuch", {}),
        ("c3", "get_weather", {"town": "Rome"}),
        ("c4", "get_weather", {"city": "Rome"}),
    ]
    providers.steps = [say(text="", calls=calls), say(text="I see.")]
    tool = Tool("get_weather", "x", CITY, breaks)
    result = await generate(
        MODELS[provider], "Hi", tools=[tool], provider=provider, client=providers.client()
    )
    assert result.text == "I see."
    told = result.steps[0].tool_results
    assert [r.is_error for r in told] == [True, True, True, False]
    sent = results(provider, providers.bodies[1])
    for text, words in zip(
        sent, ("no such city", "Unknown tool: nonesuch", "do not fit", "fine"), strict=True
    ):
        assert words in text


async def test_handlers_get_context(providers: Providers) -> None:
    """5.2 Handlers: keywords or one dictionary, sync or async, injected context."""
    seen: list[Any] = []

    def whole(arguments: dict[str, Any]) -> list[str]:
        seen.append(arguments)
        return ["ok"]

    async def injected(
        city: str, messages: list[Message], abort_signal: AbortSignal | None, tool_call_id: str
    ) -> int:
        seen.append((city, messages[-1].text, abort_signal, tool_call_id))
        return 7

    signal = AbortController().signal
    for handler in (whole, injected):
        providers.steps = [calling("Rome")]
        result = await generate(
            MODELS["openai"],
            "Hi",
            tools=[Tool("get_weather", "x", CITY, handler)],
            client=providers.client("openai"),
            abort_signal=signal,
        )
        seen.append(result.steps[0].tool_results[0].content)
    assert seen == [{"city": "Rome"}, ["ok"], ("Rome", "Hi", signal, "call_0"), "7"]


async def test_repair(providers: Providers) -> None:
    """5.8 Bad arguments may be repaired before they are refused."""

    async def repair(call: ToolCall, error: SDKError) -> ToolCall | None:
        town = call.arguments.get("town")
        return ToolCall(call.id, call.name, {"city": town}) if town else None

    calls: list[tuple[str, str, dict[str, Any]]] = [
        ("c1", "get_weather", {"town": "Rome"}),
        ("c2", "get_weather", {}),
    ]
    providers.steps = [say(text="", calls=calls)]
    result = await generate(
        MODELS["openai"],
        "Hi",
        tools=[WEATHER],
        client=providers.client("openai"),
        repair_tool_call=repair,
    )
    assert [r.is_error for r in result.steps[0].tool_results] == [False, True]


@every_provider
async def test_streaming_with_tools(providers: Providers, provider: str) -> None:
    """8.9 and 5.9 One stream over several steps, with step_finish between."""
    providers.steps = [calling("Rome", "Oslo"), say(text="Sunny in both.")]
    result = stream(
        MODELS[provider], "Hi", tools=[WEATHER], provider=provider, client=providers.client()
    )
    kinds = [str(event.type) async for event in result]
    assert kinds.count("stream_start") == kinds.count("finish") == 1
    assert kinds.count("tool_call_start") == kinds.count("tool_call_end") == 2
    assert kinds.index("tool_call_end") < kinds.index("step_finish") < kinds.index("text_start")
    assert result.response().text == "Sunny in both."
    assert len(result.steps) == 2 and result.total_usage.total_tokens == 240


# 8.8


@every_provider
async def test_transient_errors_are_retried(providers: Providers, provider: str) -> None:
    """8.8 429 with and without Retry-After, 529 and 500 are retried transparently."""
    waits: list[float] = []
    policy = RetryPolicy(
        max_retries=4, base_delay=0.001, on_retry=lambda _e, _n, wait: waits.append(wait)
    )
    client = providers.client()
    for streaming in (False, True):
        providers.steps = [fail(429, headers={"retry-after": "0.03"}), fail(429), fail(529)]
        options: Any = {"provider": provider, "client": client, "retry_policy": policy}
        if streaming:
            result = stream(MODELS[provider], "Hi", **options)
            async for _ in result:
                pass
            assert result.response().text == "Hello there."
        else:
            assert (await generate(MODELS[provider], "Hi", **options)).text == "Hello there."
    assert waits[0] == waits[3] == 0.03
    assert len(waits) == 6 and len(providers.bodies) == 8


@every_provider
@pytest.mark.parametrize(
    ("status", "error"), [(401, AuthenticationError), (404, NotFoundError), (429, RateLimitError)]
)
async def test_what_is_not_retried(
    providers: Providers, provider: str, status: int, error: type[SDKError]
) -> None:
    """8.8 and 8.9 Refusals at once; max_retries=0; a Retry-After beyond max_delay."""
    client = providers.client()
    long = {"retry-after": "3600"} if status == 429 else {}
    providers.steps = [fail(status, headers=long), fail(500)]
    with pytest.raises(error) as caught:
        await generate(MODELS[provider], "Hi", provider=provider, client=client, retry_policy=QUICK)
    assert isinstance(caught.value, SDKError)
    assert caught.value.retry_after == (3600 if long else None)
    with pytest.raises(ServerError):
        await generate(MODELS[provider], "Hi", provider=provider, client=client, max_retries=0)
    assert len(providers.bodies) == 2


@every_provider
async def test_retries_are_per_step(providers: Providers, provider: str) -> None:
    """8.8 A retry in a later step does not repeat the earlier ones."""
    ran: list[str] = []

    def count(city: str) -> str:
        ran.append(city)
        return "ok"

    providers.steps = [calling("Rome"), calling("Oslo"), fail(503), say(text="Done.")]
    result = await generate(
        MODELS[provider],
        "Hi",
        tools=[Tool("get_weather", "x", CITY, count)],
        max_tool_rounds=5,
        provider=provider,
        client=providers.client(),
        retry_policy=QUICK,
    )
    assert ran == ["Rome", "Oslo"] and len(result.steps) == 3
    assert len(providers.bodies) == 4


@every_provider
async def test_no_retry_after_partial_data(providers: Providers, provider: str) -> None:
    """8.8 Once something was delivered, a stream is not tried again."""
    providers.steps = [cut(4 if provider != "gemini" else 1)]
    kinds = []
    with pytest.raises(SDKError):
        async for event in stream(
            MODELS[provider],
            "Hi",
            provider=provider,
            client=providers.client(),
            retry_policy=QUICK,
        ):
            kinds.append(str(event.type))
    assert kinds[-1] == "error" and len(providers.bodies) == 1


# 8.10


async def test_smoke(providers: Providers) -> None:
    """8.10 The integration smoke test, against loopback servers."""
    client = providers.client()
    for provider in PROVIDERS:
        latest = get_latest_model(provider)
        assert latest is not None
        result = await generate(
            latest.id,
            "Say hello in one sentence.",
            max_tokens=100,
            provider=provider,
            client=client,
        )
        assert result.text and result.usage.input_tokens > 0 and result.usage.output_tokens > 0
        assert result.finish_reason.reason == "stop"
    haiku = stream("claude-opus-4-6", "Write a haiku.", client=client)
    pieces = [event.delta async for event in haiku if event.type == "text_delta"]
    assert "".join(piece or "" for piece in pieces) == haiku.response().text
    cities = ("San Francisco", "New York")
    providers.steps = [calling(*cities), say(text="Sunny in San Francisco and New York.")]
    result = await generate(
        "claude-opus-4-6",
        "What is the weather in San Francisco and New York?",
        tools=[WEATHER],
        max_tool_rounds=3,
        client=client,
    )
    assert len(result.steps) >= 2
    assert all(city in result.text for city in cities)
    assert all(
        city in text
        for city, text in zip(cities, results("anthropic", providers.bodies[-1]), strict=True)
    )
    image = ContentPart(ContentKind.IMAGE, image=ImageData(data=b"png", media_type="image/png"))
    question = Message.user([ContentPart.of_text("What do you see?"), image])
    assert (await generate("claude-opus-4-6", messages=[question], client=client)).text
    providers.steps = [say(text='{"name": "Alice", "age": 30}')]
    found = await generate_object(
        "gpt-5.2", "Extract: Alice is 30 years old", schema=PERSON, provider="openai", client=client
    )
    assert found.output == {"name": "Alice", "age": 30}
    providers.steps = [fail(404, "The model does not exist", code="model_not_found")]
    with pytest.raises(NotFoundError):
        await generate("nonexistent-model-xyz", "test", provider="openai", client=client)
