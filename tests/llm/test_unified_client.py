"""Unified LLM specification, Definition of Done 8.1, 8.2, 8.5, 8.6, 8.8 and 8.9: client, adapters.

Each test's docstring names its items.
"""

import asyncio
import json
from typing import Any

import pytest

from factory_tui.llm import (
    AccessDeniedError,
    AdapterTimeout,
    AnthropicAdapter,
    AuthenticationError,
    Client,
    ConfigurationError,
    ContentFilterError,
    ContextLengthError,
    GeminiAdapter,
    InvalidRequestError,
    Ledger,
    Limits,
    MemoryBook,
    Message,
    NetworkError,
    NotFoundError,
    OpenAIAdapter,
    Overloaded,
    ProviderAdapter,
    ProviderError,
    QuotaExceededError,
    RateLimitError,
    Request,
    RequestTimeoutError,
    Response,
    ResponseFormat,
    RetryPolicy,
    Role,
    SDKError,
    ServerError,
    StreamError,
    StreamEvent,
    StreamEventType,
    Tool,
    ToolChoice,
    UnsupportedToolChoiceError,
    Usage,
    generate,
    get_latest_model,
    get_model_info,
    learn_models,
    list_models,
    retry,
    set_default_client,
)
from tests.llm.providers import MODELS, PROVIDERS, Providers, cut, fail, say, spoil

every_provider = pytest.mark.parametrize("provider", PROVIDERS)
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = Tool("get_weather", "The weather.", SCHEMA)


def ask(provider: str, text: str = "Hi", **fields: Any) -> Request:
    return Request(MODELS[provider], [Message.user(text)], provider=provider, **fields)


# 8.1


async def test_client_from_env(providers: Providers, monkeypatch: pytest.MonkeyPatch) -> None:
    """8.1 Client.from_env registers the providers whose keys are set; the first is default."""
    monkeypatch.setenv("OPENAI_API_KEY", "key")
    monkeypatch.setenv("OPENAI_BASE_URL", f"{providers.url}/v1")
    monkeypatch.setenv("GOOGLE_API_KEY", "key")
    async with Client.from_env() as client:
        assert list(client.providers) == ["openai", "gemini"]
        assert client.default_provider == "openai"
        response = await client.complete(Request("gpt-5.2", [Message.user("Hi")]))
    assert response.provider == "openai"
    assert providers.headers[0]["authorization"] == "Bearer key"


@every_provider
async def test_routing(providers: Providers, provider: str) -> None:
    """8.1 Explicit adapters; requests go where their provider field says."""
    client = providers.client(default_provider=None)
    response = await client.complete(ask(provider))
    assert (response.provider, response.text) == (provider, "Hello there.")
    native = {"anthropic": "/v1/messages", "openai": "/v1/responses"}
    assert providers.paths[0] == native.get(
        provider, f"/v1beta/models/{MODELS['gemini']}:generateContent"
    )


async def test_default_provider_and_none(providers: Providers) -> None:
    """8.1 The default is used when no provider is named; without either: ConfigurationError."""
    request = Request("claude-opus-4-6", [Message.user("Hi")])
    assert (await providers.client().complete(request)).provider == "anthropic"
    for client in (providers.client(default_provider=None), Client(), Client.from_env()):
        with pytest.raises(ConfigurationError):
            await client.complete(request)
    with pytest.raises(ConfigurationError, match="No provider 'x'"):
        await providers.client().complete(Request("m", [Message.user("Hi")], provider="x"))
    with pytest.raises(ConfigurationError):
        Client({}, "openai")
    with pytest.raises(ConfigurationError, match="ANTHROPIC_API_KEY"):
        Client({"anthropic": AnthropicAdapter()})


async def test_middleware_order_for_answers_and_streams(providers: Providers) -> None:
    """8.1 Middleware: registration order for the request, reverse for the response."""
    log: list[str] = []

    def named(name: str) -> Any:
        async def around(request: Request, proceed: Any) -> Response:
            log.append(f"{name}> {request.provider}")
            response: Response = await proceed(request)
            log.append(f"<{name} {response.usage.total_tokens}")
            return response

        return around

    async def shout(request: Request, proceed: Any) -> Any:
        async for event in proceed(request):
            if event.type == StreamEventType.TEXT_DELTA:
                event = StreamEvent(event.type, delta=event.delta.upper(), text_id=event.text_id)
            yield event

    client = providers.client(middleware=[named("a"), shout, named("b")])
    await client.complete(ask("openai"))
    assert log == ["a> openai", "b> openai", "<b 120", "<a 120"]
    log.clear()
    events = [event async for event in client.stream(ask("openai"))]
    assert log == ["a> openai", "b> openai", "<b 120", "<a 120"]
    assert "".join(e.delta or "" for e in events if e.type == "text_delta") == "HELLO THERE."
    assert events[-1].type == "finish"


async def test_middleware_may_answer_itself(providers: Providers) -> None:
    """8.1 Middleware can answer without a provider, streamed or not."""

    async def cached(request: Request, proceed: Any) -> Response:
        return Response("r", request.model, message=Message.assistant("cached"), usage=Usage(1, 1))

    client = providers.client(middleware=[cached])
    assert (await client.complete(ask("openai"))).text == "cached"
    events = [event async for event in client.stream(ask("openai"))]
    assert [e.type for e in events][:2] == ["stream_start", "text_start"]
    assert events[-1].response is not None and events[-1].response.text == "cached"
    assert providers.bodies == []


async def test_module_level_client(providers: Providers, monkeypatch: pytest.MonkeyPatch) -> None:
    """8.1 set_default_client, and lazily one from the environment."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "key")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", providers.url)
    assert (await generate("claude-opus-4-6", "Hi")).text == "Hello there."
    set_default_client(providers.client("openai"))
    assert (await generate("gpt-5.2", "Hi")).response.provider == "openai"


async def test_model_catalog(providers: Providers) -> None:
    """8.1 The catalog knows current and older models, prices, aliases, and learns listings."""
    opus = get_model_info("claude-opus-4-6")
    assert opus is not None
    assert (opus.provider, opus.context_window, opus.max_output) == ("anthropic", 10**6, 128_000)
    assert (opus.input_cost_per_million, opus.output_cost_per_million) == (5.0, 25.0)
    assert get_model_info("sonnet") == get_model_info("claude-sonnet-5-5")
    assert get_model_info("nonesuch") is None
    assert {m.provider for m in list_models()} == set(PROVIDERS)
    assert all(m.provider == "gemini" for m in list_models("gemini"))
    for provider in PROVIDERS:
        latest = get_latest_model(provider, "reasoning")
        assert latest is not None and latest.supports_reasoning
        assert latest.input_cost_per_million
    assert get_latest_model("nobody") is None
    with pytest.raises(ValueError, match="capability"):
        get_latest_model("openai", "smell")
    learnt = await learn_models(providers.adapter("gemini"))  # type: ignore[arg-type]
    assert [(m.id, m.context_window, m.max_output) for m in learnt] == [("gemini-9", 9000, 900)]
    found = get_model_info("gemini-9")
    assert found is not None and found.display_name == "Gemini 9"
    for provider in ("anthropic", "openai"):
        assert (await learn_models(providers.adapter(provider)))[0].id == "model-9"  # type: ignore[arg-type]


# 8.2


@every_provider
def test_adapters_are_provider_adapters(provider: str) -> None:
    """8.2 Every adapter satisfies the interface; a key may come from the environment."""
    made = {"anthropic": AnthropicAdapter, "openai": OpenAIAdapter, "gemini": GeminiAdapter}
    assert isinstance(made[provider]("key"), ProviderAdapter)


@every_provider
async def test_authentication(providers: Providers, provider: str) -> None:
    """8.2 The key is sent the way the provider's SDK sends it."""
    await providers.client().complete(ask(provider))
    sent = providers.headers[0]
    assert (sent.get("authorization") or sent.get("x-goog-api-key")) in ("Bearer key", "key")


@every_provider
async def test_complete_fills_the_response(providers: Providers, provider: str) -> None:
    """8.2 complete() returns a populated Response; 8.9 usage token counts are accurate."""
    headers = {"x-ratelimit-remaining-requests": "7", "anthropic-ratelimit-tokens-limit": "9"}
    providers.steps = [say(headers=headers)]
    response = await providers.client().complete(ask(provider))
    assert response.id in ("msg_1", "resp_1")
    assert response.model == MODELS[provider]
    assert response.message.role is Role.ASSISTANT
    assert response.finish_reason.reason == "stop"
    usage = response.usage
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (100, 20, 120)
    assert response.raw is not None and usage.raw is not None
    assert response.rate_limit is not None
    assert response.rate_limit.requests_remaining == 7
    assert response.rate_limit.tokens_limit == 9


@every_provider
async def test_stream_events(providers: Providers, provider: str) -> None:
    """8.2 stream() yields typed events; 8.4 start/delta/end; equal to complete()."""
    calls = [
        ("call_a", "get_weather", {"city": "Rome"}),
        ("call_b", "get_weather", {"city": "Oslo"}),
    ]
    told = say(text="Let me see.", calls=calls, thinking="Hm. Two cities.", reasoning=4)
    providers.steps = [told, told]
    client = providers.client()
    whole = await client.complete(ask(provider, tools=[WEATHER]))
    events = [event async for event in client.stream(ask(provider, tools=[WEATHER]))]
    kinds = [str(event.type) for event in events]
    assert kinds[0] == "stream_start" and kinds[-1] == "finish"
    assert kinds.index("reasoning_start") < kinds.index("reasoning_delta")
    assert kinds.index("reasoning_end") < kinds.index("text_start") < kinds.index("text_delta")
    assert kinds.index("text_end") < kinds.index("tool_call_start")
    assert kinds.count("tool_call_start") == kinds.count("tool_call_end") == 2
    assert "".join(e.delta or "" for e in events if e.type == "text_delta") == "Let me see."
    assert "".join(e.reasoning_delta or "" for e in events) == "Hm. Two cities."
    ended = [e.tool_call for e in events if e.type == "tool_call_end"]
    assert [c.arguments["city"] for c in ended if c] == ["Rome", "Oslo"]
    final = events[-1].response
    assert final is not None and events[-1].usage == final.usage
    assert final.text == whole.text and final.reasoning == whole.reasoning == "Hm. Two cities."
    assert final.finish_reason.reason == whole.finish_reason.reason == "tool_calls"
    assert final.usage.reasoning_tokens == whole.usage.reasoning_tokens == 4
    assert [c.arguments for c in final.tool_calls] == [c.arguments for c in whole.tool_calls]


@every_provider
async def test_all_five_roles(providers: Providers, provider: str) -> None:
    """8.2 System messages and all five roles are translated by each provider's convention."""
    call = {"id": "call_1", "name": "get_weather", "arguments": {"city": "Rome"}}
    from factory_tui.llm import ContentKind, ContentPart, ToolCallData

    messages = [
        Message.system("Be brief."),
        Message.developer("Be kind."),
        Message.user("Weather?"),
        Message.assistant([ContentPart(ContentKind.TOOL_CALL, tool_call=ToolCallData(**call))]),  # type: ignore[arg-type]
        Message.tool_result("call_1", "sunny"),
        Message.user("And now?"),
    ]
    await providers.client().complete(Request(MODELS[provider], messages, provider=provider))
    body = providers.bodies[0]
    if provider == "anthropic":
        assert [block["text"] for block in body["system"]] == ["Be brief.", "Be kind."]
        assert [m["role"] for m in body["messages"]] == ["user", "assistant", "user"]
        result, text = body["messages"][2]["content"]
        assert (result["type"], result["tool_use_id"]) == ("tool_result", "call_1")
        assert text["text"] == "And now?"
    elif provider == "openai":
        assert body["instructions"] == "Be brief."
        assert [i.get("role") or i["type"] for i in body["input"]] == [
            "developer",
            "user",
            "function_call",
            "function_call_output",
            "user",
        ]
        assert body["input"][3] == {
            "type": "function_call_output",
            "call_id": "call_1",
            "output": "sunny",
        }
    else:
        assert [p["text"] for p in body["systemInstruction"]["parts"]] == ["Be brief.", "Be kind."]
        assert [c["role"] for c in body["contents"]] == ["user", "model", "user"]
        answered = body["contents"][2]["parts"][0]["functionResponse"]
        assert answered == {"name": "get_weather", "response": {"result": "sunny"}}


@every_provider
async def test_provider_options_pass_through(providers: Providers, provider: str) -> None:
    """8.2 and 8.9 provider_options reach their own provider, and only it."""
    options = {
        "anthropic": {"thinking": {"type": "enabled", "budget_tokens": 1024}},
        "openai": {"parallel_tool_calls": False, "tools": [{"type": "web_search"}]},
        "gemini": {
            "safetySettings": [{"category": "X", "threshold": "BLOCK_NONE"}],
            "generationConfig": {"thinkingConfig": {"includeThoughts": True}},
        },
    }
    await providers.client().complete(ask(provider, provider_options=options, max_tokens=99))
    body = providers.bodies[0]
    for key, value in options[provider].items():
        if key == "generationConfig":
            assert body[key]["thinkingConfig"] == {"includeThoughts": True}
            assert body[key]["maxOutputTokens"] == 99
        else:
            assert body[key] == value
    others = {k for name in PROVIDERS if name != provider for k in options[name]}
    assert not (others - set(options[provider])) & set(body)


async def test_beta_headers(providers: Providers) -> None:
    """8.2 Beta headers are joined; 8.6 the caching beta is added when cache_control is there."""
    options = {"anthropic": {"beta_headers": ["a-1", "b-2"], "auto_cache": False}}
    client = providers.client()
    await client.complete(ask("anthropic", provider_options=options))
    await client.complete(ask("anthropic"))
    assert providers.headers[0]["anthropic-beta"] == "a-1,b-2"
    assert providers.headers[1]["anthropic-beta"] == "prompt-caching-2024-07-31"


STATUSES: list[tuple[int, type[SDKError], bool]] = [
    (400, InvalidRequestError, False),
    (401, AuthenticationError, False),
    (403, AccessDeniedError, False),
    (404, NotFoundError, False),
    (408, RequestTimeoutError, False),
    (413, ContextLengthError, False),
    (422, InvalidRequestError, False),
    (429, RateLimitError, True),
    (500, ServerError, True),
    (503, ServerError, True),
    (529, Overloaded, True),
]


@every_provider
@pytest.mark.parametrize(("status", "error", "retryable"), STATUSES)
@pytest.mark.parametrize("streaming", [False, True])
async def test_http_errors(
    providers: Providers,
    provider: str,
    status: int,
    error: type[SDKError],
    retryable: bool,
    streaming: bool,
) -> None:
    """8.2, 8.8 and 8.9 Statuses become the right errors, with retryable and retry_after."""
    providers.steps = [fail(status, "nope", {"retry-after": "7"})]
    client = providers.client()
    with pytest.raises(error) as caught:
        if streaming:
            async for _ in client.stream(ask(provider)):
                pass
        else:
            await client.complete(ask(provider))
    assert caught.value.retryable is retryable
    assert (caught.value.provider, caught.value.status_code) == (provider, status)
    assert caught.value.retry_after == 7
    assert caught.value.raw is not None
    assert len(providers.bodies) == 1  # the low level never retries


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ("This model's maximum context length is 9", ContextLengthError),
        ("too many tokens", ContextLengthError),
        ("blocked by content filter", ContentFilterError),
        ("model x does not exist", NotFoundError),
        ("API key not valid", AuthenticationError),
        ("bad", InvalidRequestError),
    ],
)
@every_provider
async def test_errors_told_by_words(
    providers: Providers, provider: str, message: str, error: type[SDKError]
) -> None:
    """8.8 Ambiguous statuses are told apart by the message (section 6.5)."""
    providers.steps = [fail(400, message)]
    with pytest.raises(error):
        await providers.client().complete(ask(provider))


async def test_used_up_quota_is_no_rate_limit(providers: Providers) -> None:
    """8.8 A 429 that says the quota is used up is not retried."""
    providers.steps = [fail(429, "You exceeded your quota", code="insufficient_quota")]
    with pytest.raises(QuotaExceededError) as caught:
        await providers.client().complete(ask("openai"))
    assert caught.value.retryable is False


async def test_gemini_retry_info(providers: Providers) -> None:
    """8.2 Gemini tells the wait in the error's details."""

    async def step(api: str, body: Any, call: Any, reply: Any) -> None:
        info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "3.5s"}
        error = {"code": 429, "message": "slow", "status": "RESOURCE_EXHAUSTED", "details": [info]}
        await reply.json({"error": error}, 429)

    providers.steps = [step]
    with pytest.raises(RateLimitError) as caught:
        await providers.client().complete(ask("gemini"))
    assert caught.value.retry_after == 3.5


# streams that go wrong


@every_provider
@pytest.mark.parametrize("how", ["end", "reset"])
async def test_cut_streams_are_errors(providers: Providers, provider: str, how: str) -> None:
    """8.8 A stream that ends early is a StreamError, told as an ERROR event after its start."""
    providers.steps = [cut(4 if provider != "gemini" else 1, how)]
    kinds = []
    with pytest.raises((StreamError, NetworkError)) as caught:
        async for event in providers.client().stream(ask(provider)):
            kinds.append(str(event.type))
    assert kinds[0] == "stream_start"
    assert kinds[-1] == "error" and "finish" not in kinds
    assert caught.value.retryable


@every_provider
async def test_malformed_streams_are_errors(providers: Providers, provider: str) -> None:
    """8.8 Frames that are not JSON end the stream with a StreamError."""
    providers.steps = [spoil(1, b"event: message_delta\ndata: {nonsense\n\n")]
    with pytest.raises(SDKError):
        async for _ in providers.client().stream(ask(provider)):
            pass


@every_provider
async def test_silent_streams_time_out(providers: Providers, provider: str) -> None:
    """8.4 The time between two stream events is bounded (AdapterTimeout.stream_read)."""
    providers.steps = [cut(1, "silence")]
    client = providers.client(timeout=AdapterTimeout(stream_read=0.2))
    with pytest.raises(RequestTimeoutError):
        async for _ in client.stream(ask(provider)):
            pass


@every_provider
async def test_slow_answers_time_out(providers: Providers, provider: str) -> None:
    """8.4 A whole request is bounded (AdapterTimeout.request)."""
    providers.steps = [say(pause=30)]
    client = providers.client(timeout=0.2)
    with pytest.raises(RequestTimeoutError):
        await client.complete(ask(provider))


async def test_error_events_in_mid_stream(providers: Providers) -> None:
    """8.8 An error event carries its own class: overloaded, rate limit, failed response."""
    overloaded = {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}
    limited = {"type": "error", "code": "rate_limit_exceeded", "message": "slow", "param": None}
    failed = {
        "type": "response.failed",
        "response": {"status": "failed", "error": {"code": "server_error", "message": "x"}},
    }
    for provider, event, error in (
        ("anthropic", overloaded, Overloaded),
        ("openai", limited, RateLimitError),
        ("openai", failed, ServerError),
    ):
        frame = f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()
        providers.steps = [spoil(3, frame)]
        with pytest.raises(error) as caught:
            async for _ in providers.client().stream(ask(provider)):
                pass
        assert caught.value.billed


async def test_nobody_there() -> None:
    """8.8 A server that cannot be reached is a retryable NetworkError."""
    for adapter in (
        AnthropicAdapter("key", "http://127.0.0.1:9"),
        OpenAIAdapter("key", "http://127.0.0.1:9/v1"),
        GeminiAdapter("key", "http://127.0.0.1:9"),
    ):
        with pytest.raises(NetworkError) as caught:
            await Client({adapter.name: adapter}, adapter.name).complete(ask(adapter.name))
        assert caught.value.retryable
        await adapter.close()


# 8.5, 8.6


@every_provider
async def test_reasoning_tokens(providers: Providers, provider: str) -> None:
    """8.5 and 8.9 Reasoning tokens are reported apart from output tokens."""
    providers.steps = [say(reasoning=12, thinking="Hm.")]
    usage = (await providers.client().complete(ask(provider))).usage
    assert usage.reasoning_tokens == 12
    assert usage.output_tokens == 20
    billed = 32 if provider == "gemini" else 20  # only Gemini counts them outside the output
    assert usage.billed_output_tokens == billed


async def test_anthropic_reasoning_is_estimated_where_uncounted(providers: Providers) -> None:
    """8.5 Without a count, Anthropic's reasoning tokens are estimated from the thinking."""
    providers.steps = [say(thinking="x" * 40)]
    assert (await providers.client().complete(ask("anthropic"))).usage.reasoning_tokens == 10


@every_provider
async def test_reasoning_effort(providers: Providers, provider: str) -> None:
    """8.5 reasoning_effort is passed in each provider's own words; None leaves it out."""
    client = providers.client()
    await client.complete(ask(provider, reasoning_effort="high"))
    await client.complete(ask(provider))
    where = {
        "anthropic": lambda body: body.get("output_config", {}).get("effort"),
        "openai": lambda body: body.get("reasoning", {}).get("effort"),
        "gemini": lambda body: (
            body.get("generationConfig", {}).get("thinkingConfig", {}).get("thinkingLevel")
        ),
    }[provider]
    assert [where(body) for body in providers.bodies] == ["high", None]


async def test_cache_breakpoints(providers: Providers) -> None:
    """8.6 Anthropic: breakpoints on tools, system and the stable prefix; auto_cache off."""
    client = providers.client()
    request = ask("anthropic", tools=[WEATHER], system="Be brief.")
    await client.complete(request)
    off = {"anthropic": {"auto_cache": False}}
    await client.complete(ask("anthropic", tools=[WEATHER], system="S", provider_options=off))
    on, without = providers.bodies
    mark = {"type": "ephemeral"}
    assert on["tools"][-1]["cache_control"] == on["system"][-1]["cache_control"] == mark
    assert on["messages"][-1]["content"][-1]["cache_control"] == mark
    assert "cache_control" not in json.dumps(without)
    assert "anthropic-beta" not in providers.headers[1]


@every_provider
async def test_cache_tokens_over_many_turns(providers: Providers, provider: str) -> None:
    """8.6 and 8.9 Cache reads are reported; from turn 5 they exceed half of the input."""
    client = providers.client()
    history = [Message.user("Hi")]
    for turn in range(6):
        providers.steps = [say(given=1000 * (turn + 1), cached=1000 * turn)]
        response = await client.complete(
            Request(MODELS[provider], history, provider=provider, system="S")
        )
        history = [*history, response.message, Message.user("Go on")]
        assert response.usage.cache_read_tokens == 1000 * turn
    assert (response.usage.cache_read_tokens or 0) > response.usage.prompt_tokens / 2
    assert response.usage.prompt_tokens == 6000
    before, after = (
        json.dumps(b).replace(', "cache_control": {"type": "ephemeral"}', "")
        for b in providers.bodies[-2:]
    )
    assert after.startswith(before[: before.rindex("Go on")])  # the prefix stayed as it was


async def test_anthropic_cache_writes(providers: Providers) -> None:
    """8.6 cache_write_tokens is filled from the usage."""
    response = await providers.client().complete(ask("anthropic"))
    assert response.usage.cache_write_tokens == 0
    assert (await providers.client().complete(ask("openai"))).usage.cache_write_tokens is None


# tool choice, formats, parameters


@every_provider
@pytest.mark.parametrize("mode", ["auto", "none", "required", "named"])
async def test_tool_choice(providers: Providers, provider: str, mode: str) -> None:
    """8.7 The four modes in each provider's words."""
    choice = ToolChoice(mode, "get_weather" if mode == "named" else None)
    client = providers.client()
    assert client.supports_tool_choice(mode, provider)
    await client.complete(ask(provider, tools=[WEATHER], tool_choice=choice))
    body = providers.bodies[0]
    config = body.get("toolConfig", {}).get("functionCallingConfig")
    wanted: Any = {
        "anthropic": {
            "auto": {"type": "auto"},
            "none": None,
            "required": {"type": "any"},
            "named": {"type": "tool", "name": "get_weather"},
        },
        "openai": {
            "auto": "auto",
            "none": "none",
            "required": "required",
            "named": {"type": "function", "name": "get_weather"},
        },
        "gemini": {
            "auto": {"mode": "AUTO"},
            "none": {"mode": "NONE"},
            "required": {"mode": "ANY"},
            "named": {"mode": "ANY", "allowedFunctionNames": ["get_weather"]},
        },
    }[provider][mode]
    assert (config if provider == "gemini" else body.get("tool_choice")) == wanted
    assert ("tools" in body) is not (provider == "anthropic" and mode == "none")


async def test_newest_models_cannot_be_forced(providers: Providers) -> None:
    """8.7 A mode the model does not know raises UnsupportedToolChoiceError before any call."""
    request = Request(
        "claude-opus-5-5", [Message.user("Hi")], tools=[WEATHER], tool_choice="required"
    )
    with pytest.raises(UnsupportedToolChoiceError):
        await providers.client().complete(request)
    assert providers.bodies == []


@every_provider
async def test_parameters(providers: Providers, provider: str) -> None:
    """8.2 Generation parameters; what a provider no longer takes is left out with a warning."""
    request = ask(provider, max_tokens=77, temperature=0.5, top_p=0.9, stop_sequences=["END"])
    response = await providers.client().complete(request)
    body = providers.bodies[0]
    if provider == "gemini":
        assert body["generationConfig"] == {
            "temperature": 0.5,
            "topP": 0.9,
            "maxOutputTokens": 77,
            "stopSequences": ["END"],
        }
        assert response.warnings == []
        return
    assert body.get("max_tokens", body.get("max_output_tokens")) == 77
    assert "temperature" not in body and "top_p" not in body
    assert {w.code for w in response.warnings} == {"unsupported"}
    assert body.get("stop_sequences") == (["END"] if provider == "anthropic" else None)


@every_provider
async def test_response_formats(providers: Providers, provider: str) -> None:
    """8.4 json and json_schema in each provider's own structured output."""
    client = providers.client()
    shape = ResponseFormat("json_schema", {**SCHEMA, "additionalProperties": False}, strict=True)
    await client.complete(ask(provider, response_format=shape))
    await client.complete(ask(provider, response_format=ResponseFormat("json")))
    strict, plain = providers.bodies
    if provider == "anthropic":
        assert strict["output_config"]["format"]["schema"] == shape.json_schema
        assert "JSON" in plain["system"][0]["text"]
    elif provider == "openai":
        assert strict["text"]["format"] == {
            "type": "json_schema",
            "name": "output",
            "schema": shape.json_schema,
            "strict": True,
        }
        assert plain["text"]["format"] == {"type": "json_object"}
    else:
        assert strict["generationConfig"]["responseSchema"] == SCHEMA
        assert plain["generationConfig"]["responseMimeType"] == "application/json"


@every_provider
async def test_cut_off_and_filtered_answers(providers: Providers, provider: str) -> None:
    """8.2 Finish reasons: length and content_filter, with the provider's own word."""
    words = {
        "anthropic": ("max_tokens", "refusal"),
        "openai": ("max_output_tokens", "content_filter"),
        "gemini": ("MAX_TOKENS", "SAFETY"),
    }[provider]
    for word, reason in zip(words, ("length", "content_filter"), strict=True):
        providers.steps = [say(stop=word)]
        response = await providers.client().complete(ask(provider))
        assert (response.finish_reason.reason, response.finish_reason.raw) == (reason, word)


async def test_blocked_prompt(providers: Providers) -> None:
    """8.2 Gemini's blocked prompts are ContentFilterErrors."""

    async def step(api: str, body: Any, call: Any, reply: Any) -> None:
        await reply.json({"promptFeedback": {"blockReason": "SAFETY"}})

    providers.steps = [step]
    with pytest.raises(ContentFilterError):
        await providers.client().complete(ask("gemini"))


async def test_compatible_endpoints(providers: Providers) -> None:
    """7.10 OpenAICompatibleAdapter speaks Chat Completions, whole and streamed."""
    calls = [
        ("call_a", "get_weather", {"city": "Rome"}),
        ("call_b", "get_weather", {"city": "Oslo"}),
    ]
    client = providers.client("local")
    told = say(text="Let me see.", calls=calls)
    providers.steps = [told, told, cut(1), say()]
    request = Request("local", [Message.user("Hi")], tools=[WEATHER], max_tokens=5)
    whole = await client.complete(request)
    events = [event async for event in client.stream(request)]
    final = events[-1].response
    assert final is not None
    for one in (whole, final):
        assert (one.text, one.finish_reason.reason) == ("Let me see.", "tool_calls")
        assert [c.arguments["city"] for c in one.tool_calls] == ["Rome", "Oslo"]
        assert one.usage.total_tokens == 120
    with pytest.raises(StreamError):
        async for _ in client.stream(request):
            pass
    answers = [Message.tool_result(c.id, "sunny") for c in whole.tool_calls]
    await client.complete(
        Request("local", [Message.user("Hi"), whole.message, *answers], system="S")
    )
    roles = [m["role"] for m in providers.bodies[-1]["messages"]]
    assert roles == ["system", "user", "assistant", "tool", "tool"]


# the ledger


@every_provider
@pytest.mark.parametrize("streaming", [False, True])
async def test_every_call_passes_the_ledger(
    providers: Providers, provider: str, streaming: bool
) -> None:
    """Every provider's calls are reserved before and settled after, failures included."""
    book = MemoryBook()
    ledger = Ledger(book, Limits(tokens=10**6), lambda kind, data: None)
    client = providers.client(ledger=ledger)

    async def call() -> None:
        if streaming:
            async for _ in client.stream(ask(provider, max_tokens=500, role="judge", key="k")):
                pass
        else:
            await client.complete(ask(provider, max_tokens=500, role="judge", key="k"))

    providers.steps = [say(given=100, cached=40, reasoning=7), fail(429), fail(500)]
    await call()
    for _ in range(2):
        with pytest.raises(ProviderError):
            await call()
    rows = [(row["role"], row["state"], row["tokens"]) for row in book.rows]
    used = 60 + 20 + (7 if provider == "gemini" else 0)
    assert rows[0] == ("judge", "committed", used)
    assert rows[1] == ("judge", "committed", 0)  # refused: nothing ran
    assert rows[2][1] == "forfeited" and rows[2][2] > 500
    assert book.rows[0]["usd"] > 0
    ledger.set_limits(Limits(tokens=1))
    from factory_tui.llm import BudgetExhausted

    with pytest.raises(BudgetExhausted):
        await call()
    assert len(providers.bodies) == 3


async def test_an_abandoned_stream_is_charged_and_closed(providers: Providers) -> None:
    """A stream given up in the middle costs its reservation and lets its connection go."""
    book = MemoryBook()
    ledger = Ledger(book, Limits(), lambda kind, data: None)
    client = providers.client(ledger=ledger)
    providers.steps = [cut(4, "silence")]
    events = client.stream(ask("anthropic"))
    async for event in events:
        if event.type == "text_delta":
            break
    await events.aclose()  # type: ignore[attr-defined]
    assert [row["state"] for row in book.rows] == ["forfeited"]


# retry()


async def test_backoff_and_retry_after() -> None:
    """8.8 Delays double up to a maximum, jittered by half; Retry-After decides within it."""
    policy = RetryPolicy(max_retries=10, jitter=False)
    assert [policy.delay(n) for n in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    jittered = [RetryPolicy().delay(2) for _ in range(200)]
    assert min(jittered) >= 2 and max(jittered) <= 6 and len(set(jittered)) > 100
    asked = RateLimitError("slow", retry_after=9.0)
    assert policy.wait_for(asked, 0) == 9
    assert policy.wait_for(RateLimitError("slow", retry_after=61.0), 0) is None
    assert policy.wait_for(AuthenticationError("no"), 0) is None
    assert policy.wait_for(ServerError("x"), 10) is None
    told: list[tuple[int, float]] = []
    attempts = 0

    async def flaky() -> str:
        nonlocal attempts
        attempts += 1
        if attempts < 3:
            raise ServerError("x")
        return "done"

    short = RetryPolicy(base_delay=0.001, on_retry=lambda _e, n, wait: told.append((n, wait)))
    assert await retry(flaky, short) == "done"
    assert [n for n, _ in told] == [0, 1]
    eager = RetryPolicy(base_delay=0, should_retry=lambda e: isinstance(e, RequestTimeoutError))
    tries = 0

    async def slow() -> None:
        nonlocal tries
        tries += 1
        raise RequestTimeoutError("slow")

    with pytest.raises(RequestTimeoutError):
        await retry(slow, eager)
    assert tries == 3


async def test_concurrent_calls(providers: Providers) -> None:
    """2.6 One client serves many calls to all providers at once."""
    client = providers.client()
    answers = await asyncio.gather(
        *(client.complete(ask(p, f"{p} {n}")) for p in PROVIDERS for n in range(5))
    )
    assert [a.provider for a in answers] == [p for p in PROVIDERS for _ in range(5)]
