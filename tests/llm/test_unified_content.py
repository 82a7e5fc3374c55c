"""Unified LLM specification, Definition of Done 8.3: messages, content, and the records."""

import base64
from pathlib import Path
from typing import Any

import pytest

from factory_tui.llm import (
    AudioData,
    Client,
    ConfigurationError,
    ContentKind,
    ContentPart,
    DocumentData,
    FinishReason,
    ImageData,
    Message,
    Request,
    Response,
    Role,
    StreamAccumulator,
    StreamEvent,
    StreamEventType,
    ThinkingData,
    Tool,
    ToolCall,
    ToolCallData,
    ToolChoice,
    ToolResultData,
    Usage,
)
from factory_tui.llm.wire import from_wire, to_wire
from tests.llm.providers import MODELS, PROVIDERS, Providers, say

every_provider = pytest.mark.parametrize("provider", PROVIDERS)
PNG = b"\x89PNG\r\n\x1a\n fake"
B64 = base64.b64encode(PNG).decode()


async def sent(providers: Providers, provider: str, *messages: Message) -> dict[str, Any]:
    await providers.client().complete(Request(MODELS[provider], list(messages), provider=provider))
    return providers.bodies[-1]


def user_parts(provider: str, body: dict[str, Any]) -> list[dict[str, Any]]:
    where = {
        "anthropic": lambda: body["messages"][0]["content"],
        "openai": lambda: body["input"][0]["content"],
        "gemini": lambda: body["contents"][0]["parts"],
    }[provider]
    return [{k: v for k, v in part.items() if k != "cache_control"} for part in where()]


@every_provider
async def test_text_only(providers: Providers, provider: str) -> None:
    """8.3 Text-only messages."""
    parts = user_parts(provider, await sent(providers, provider, Message.user("Hi")))
    kind = {"anthropic": {"type": "text"}, "openai": {"type": "input_text"}, "gemini": {}}
    assert parts == [{**kind[provider], "text": "Hi"}]


@every_provider
async def test_images(providers: Providers, provider: str, tmp_path: Path) -> None:
    """8.3 and 8.9 Images by URL, as bytes and from a file, mixed with text."""
    (tmp_path / "shot.jpg").write_bytes(PNG)
    url = "https://example.com/a.png"
    message = Message.user(
        [
            ContentPart.of_text("What is this?"),
            ContentPart(ContentKind.IMAGE, image=ImageData(url=url)),
            ContentPart(ContentKind.IMAGE, image=ImageData(data=PNG, detail="low")),
            ContentPart(ContentKind.IMAGE, image=ImageData(url=str(tmp_path / "shot.jpg"))),
        ]
    )
    text, by_url, by_bytes, by_path = user_parts(provider, await sent(providers, provider, message))
    assert text["text"] == "What is this?"
    if provider == "anthropic":
        assert by_url["source"] == {"type": "url", "url": url}
        assert by_bytes["source"] == {"type": "base64", "media_type": "image/png", "data": B64}
        assert by_path["source"]["media_type"] == "image/jpeg"
    elif provider == "openai":
        assert by_url == {"type": "input_image", "image_url": url}
        assert by_bytes["image_url"] == f"data:image/png;base64,{B64}"
        assert by_bytes["detail"] == "low"
        assert by_path["image_url"].startswith("data:image/jpeg;base64,")
    else:
        assert by_url == {"fileData": {"mimeType": "image/png", "fileUri": url}}
        assert by_bytes == {"inlineData": {"mimeType": "image/png", "data": B64}}
        assert by_path["inlineData"]["mimeType"] == "image/jpeg"


@every_provider
async def test_audio_and_documents(providers: Providers, provider: str) -> None:
    """8.3 Documents are translated; audio where there is none is refused with a clear error."""
    pdf = ContentPart(ContentKind.DOCUMENT, document=DocumentData(data=b"%PDF", file_name="a.pdf"))
    part = user_parts(provider, await sent(providers, provider, Message.user([pdf])))[0]
    data = base64.b64encode(b"%PDF").decode()
    assert data in str(part) and "application/pdf" in str(part)
    sound = ContentPart(ContentKind.AUDIO, audio=AudioData(data=b"x", media_type="audio/mp3"))
    if provider == "gemini":
        part = user_parts(provider, await sent(providers, provider, Message.user([sound])))[0]
        assert part["inlineData"]["mimeType"] == "audio/mp3"
    else:
        with pytest.raises(ConfigurationError, match="audio"):
            await sent(providers, provider, Message.user([sound]))
    missing = ContentPart(ContentKind.IMAGE, image=ImageData(url="./nonesuch.png"))
    with pytest.raises(ConfigurationError, match="nonesuch"):
        await sent(providers, provider, Message.user([missing]))


@every_provider
async def test_answers_go_back_as_they_came(providers: Providers, provider: str) -> None:
    """8.3 and 8.5 Thinking (signed, redacted), calls and text round-trip verbatim."""
    calls = [("call_a", "look", {"at": "b"}), ("call_b", "look", {"at": "a"})]
    providers.steps = [say(text="Both.", calls=calls, thinking="Hm.", reasoning=3)]
    client = providers.client()
    ask = Message.user("Hi")
    first = await client.complete(Request(MODELS[provider], [ask], provider=provider))
    results = [Message.tool_result(c.id, {"ok": True}) for c in first.tool_calls]
    results[1] = Message.tool_result(first.tool_calls[1].id, "gone", is_error=True)
    history = [ask, first.message, *results]
    await client.complete(Request(MODELS[provider], history, provider=provider))
    raw, body = first.raw or {}, providers.bodies[1]
    if provider == "anthropic":
        kinds = [part.kind for part in first.message.content]
        assert kinds[:2] == [ContentKind.THINKING, ContentKind.REDACTED_THINKING]
        assert first.message.content[0].thinking == ThinkingData("Hm.", "c2ln")
        assert body["messages"][1]["content"] == raw["content"]
        assert [r.get("is_error") for r in body["messages"][2]["content"]] == [None, True]
    elif provider == "openai":
        reasoning = raw["output"][0]
        assert body["input"][1] == reasoning
        assert [i["type"] for i in body["input"][2:]] == [
            "message",
            "function_call",
            "function_call",
            "function_call_output",
            "function_call_output",
        ]
        assert body["input"][2]["content"] == [{"type": "output_text", "text": "Both."}]
        assert body["input"][-1]["output"] == "Error: gone"
    else:
        model, answers = body["contents"][1:]
        assert model["parts"][0] == {"text": "Hm.", "thought": True}
        assert model["parts"][2]["thoughtSignature"] == "c2lnbmVk"
        assert model["parts"][2]["functionCall"] == {"name": "look", "args": {"at": "b"}}
        assert [p["functionResponse"]["response"] for p in answers["parts"]] == [
            {"ok": True},
            {"error": "gone"},
        ]
        assert len({call.id for call in first.tool_calls}) == 2


async def test_thinking_stays_with_its_provider(providers: Providers) -> None:
    """3.5 Another provider's reasoning is left out, the text goes along."""
    client = providers.client()
    for origin in PROVIDERS:
        providers.steps = [say(thinking="Secret thoughts.", reasoning=3)]
        first = await client.complete(
            Request(MODELS[origin], [Message.user("Hi")], provider=origin)
        )
        for other in set(PROVIDERS) - {origin}:
            history = [Message.user("Hi"), first.message, Message.user("Go on")]
            await client.complete(Request(MODELS[other], history, provider=other))
            body = str(providers.bodies[-1])
            assert "Hello there." in body
            assert "Secret thoughts." not in body and "c2VjcmV0" not in body


@every_provider
async def test_tool_results_with_images(providers: Providers, provider: str) -> None:
    """8.3 A tool may answer with an image."""
    call = ToolCallData("call_1", "look", {})
    result = ToolResultData("call_1", "a screenshot", image_data=PNG)
    body = await sent(
        providers,
        provider,
        Message.user("Hi"),
        Message.assistant([ContentPart(ContentKind.TOOL_CALL, tool_call=call)]),
        Message(Role.TOOL, [ContentPart(ContentKind.TOOL_RESULT, tool_result=result)]),
    )
    assert B64 in str(body)


def test_constructors_and_accessors() -> None:
    """3.1 Convenience constructors, the text accessor, free content kinds."""
    assert Message.system("a").role is Role.SYSTEM
    assert Message.user("a").content == [ContentPart(ContentKind.TEXT, text="a")]
    assert Message(Role.USER, "plain").text == "plain"  # type: ignore[arg-type]
    result = Message.tool_result(tool_call_id="c", content="72F", is_error=False)
    assert (result.role, result.tool_call_id) == (Role.TOOL, "c")
    assert Message.assistant([]).text == ""
    assert ContentPart("vendor:thing", text="x").kind == "vendor:thing"
    for make in (ImageData, AudioData, DocumentData):
        with pytest.raises(ValueError, match="exactly one"):
            make()
        with pytest.raises(ValueError, match="exactly one"):
            make(url="a", data=b"b")
    assert ImageData(data=b"x").media_type == "image/png"


def test_usage_adds_up() -> None:
    """3.9 Integers are summed; optional fields stay None only if both are."""
    one = Usage(1, 2, reasoning_tokens=3)
    other = Usage(10, 20, cache_read_tokens=5)
    total = one + other
    assert (total.input_tokens, total.output_tokens, total.total_tokens) == (11, 22, 33)
    assert (total.reasoning_tokens, total.cache_read_tokens) == (3, 5)
    assert total.cache_write_tokens is None
    assert Usage(input_tokens=1, output_tokens=2, total_tokens=3).total_tokens == 3


@pytest.mark.parametrize("name", ["", "1st", "a-b", "a" * 65, "ä", "a b"])
def test_tool_names(name: str) -> None:
    """5.1 Tool names and schemas are checked when a tool is defined."""
    with pytest.raises(ValueError, match="tool name"):
        Tool(name, "x", {"type": "object"})
    with pytest.raises(ValueError, match="object"):
        Tool("good", "x", {"type": "string"})
    with pytest.raises(ValueError, match="mode"):
        ToolChoice("sometimes")
    with pytest.raises(ValueError, match="tool_name"):
        ToolChoice("named")


def test_both_views_of_a_response() -> None:
    """3.7 A response made of wire blocks and one made of a message say the same."""
    blocks = [
        {"type": "text", "text": "Hi"},
        {"type": "tool_use", "id": "c", "name": "look", "input": {"at": 1}},
    ]
    wire = Response("id", "m", blocks, "tool_use", Usage(1, 2))
    parts = [
        ContentPart.of_text("Hi"),
        ContentPart(ContentKind.TOOL_CALL, tool_call=ToolCallData("c", "look", {"at": 1})),
    ]
    made = Response(
        id="id",
        model="m",
        provider="openai",
        message=Message(Role.ASSISTANT, parts),
        finish_reason=FinishReason("tool_calls", "completed"),
        usage=Usage(1, 2),
    )
    assert wire.content == made.content == blocks
    assert wire.stop_reason == made.stop_reason == "tool_use"
    assert wire.text == made.text == "Hi"
    assert [(c.name, c.arguments, c.input) for c in wire.tool_calls] == [
        (c.name, c.arguments, c.input) for c in made.tool_calls
    ]
    assert wire.finish_reason == FinishReason("tool_calls", "tool_use")


def test_wire_messages_pass_unchanged() -> None:
    """Conversations in the Messages API's shape are sent as they are, and can be read as ours."""
    history = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": [{"type": "text", "text": "A", "citations": None}]},
        {"role": "user", "content": [{"type": "text", "text": "B"}]},
        {"role": "user", "content": [{"type": "text", "text": "C"}]},
    ]
    assert to_wire(history) == ([], history)
    assert to_wire([from_wire(message) for message in history[1:2]])[1] == history[1:2]


@pytest.mark.parametrize("whole", [True, False])
def test_accumulator(whole: bool) -> None:
    """4.4 StreamAccumulator puts a response together, with or without one in FINISH."""
    kind = StreamEventType
    usage, reason = Usage(3, 4), FinishReason("tool_calls", "x")
    events = [
        StreamEvent(kind.STREAM_START),
        StreamEvent(kind.REASONING_START),
        StreamEvent(kind.REASONING_DELTA, reasoning_delta="Hm"),
        StreamEvent(kind.REASONING_END),
        StreamEvent(kind.TEXT_START, text_id="t"),
        StreamEvent(kind.TEXT_DELTA, delta="Hel", text_id="t"),
        StreamEvent(kind.TOOL_CALL_START, tool_call=ToolCall("c", "look")),
        StreamEvent(kind.TOOL_CALL_DELTA, delta='{"at"', tool_call=ToolCall("c", "look")),
        StreamEvent(kind.TEXT_DELTA, delta="lo", text_id="t"),
        StreamEvent(kind.TEXT_END, text_id="t"),
        StreamEvent(kind.TOOL_CALL_DELTA, delta=": 1}", tool_call=ToolCall("c", "look")),
        StreamEvent(kind.TOOL_CALL_END, tool_call=ToolCall("c", "look")),
    ]
    ready = Response("id", "m", message=Message.assistant("ready"))
    events.append(
        StreamEvent(
            kind.FINISH, finish_reason=reason, usage=usage, response=ready if whole else None
        )
    )
    collected = StreamAccumulator()
    for event in events[:6]:
        collected.process(event)
    assert collected.response().text == "Hel" and not collected.finished
    for event in events[6:]:
        collected.process(event)
    response = collected.response()
    if whole:
        assert response is ready
        return
    assert (response.text, response.reasoning) == ("Hello", "Hm")
    assert [(c.name, c.arguments) for c in response.tool_calls] == [("look", {"at": 1})]
    assert (response.finish_reason, response.usage) == (reason, usage)


async def test_a_client_of_one_server_speaks_the_model_too(providers: Providers) -> None:
    """The budgeted client takes Messages and streams as well."""
    from factory_tui.llm import Ledger, Limits, MemoryBook

    book = MemoryBook()
    ledger = Ledger(book, Limits(), lambda kind, data: None)
    client = Client(ledger=ledger, base_url=providers.url, api_key="k", backoff_s=0.001)
    providers.steps = [say(calls=[("call_a", "look", {})], thinking="Hm.")] * 2
    request = Request("claude-opus-4-6", [Message.system("S"), Message.user("Hi")])
    whole = await client.complete(request)
    events = [event async for event in client.stream(request)]
    await client.close()
    assert providers.bodies[0]["system"] == [{"type": "text", "text": "S"}]
    assert whole.tool_calls[0].name == "look"
    kinds = [str(e.type) for e in events]
    assert kinds[0] == "stream_start" and kinds[-1] == "finish"
    assert "".join(e.delta or "" for e in events if e.type == "text_delta") == "Hello there."
    assert kinds.count("text_start") == kinds.count("text_end") == 1
    assert events[-1].response is not None and events[-1].response.content == whole.content
    assert [row["state"] for row in book.rows] == ["committed", "committed"]
