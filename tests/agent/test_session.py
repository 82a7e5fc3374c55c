"""The loop: what the model is sent, what runs, and when it stops."""

import asyncio
import json
from typing import Any

import pytest

from factory_tui.agent import (
    AssistantTurn,
    EventKind,
    RegisteredTool,
    Session,
    SessionClosed,
    SessionConfig,
    SessionEvent,
    SessionState,
    SteeringTurn,
    ToolRecord,
    ToolResultsTurn,
    Turn,
    UserTurn,
    coding_tools,
    turn_from_json,
    turn_to_json,
)
from factory_tui.llm import AuthError, Tool, ToolCall
from tests.agent.fakes import FakeModel, LocalEnvironment, reply

WRITE = ("t1", "write_file", {"file_path": "a", "content": "hi"})


def make(model: FakeModel, environment: LocalEnvironment, **options: Any) -> Session:
    return Session(model, environment, system="Be good.", **options)


def results(message: Any) -> list[tuple[str, str, bool]]:
    return [
        (block["tool_use_id"], block["content"], block.get("is_error", False))
        for block in message["content"]
        if block["type"] == "tool_result"
    ]


def texts(message: Any) -> list[str]:
    return [block["text"] for block in message["content"] if block["type"] == "text"]


async def test_it_works_until_the_model_has_nothing_more_to_do(
    environment: LocalEnvironment,
) -> None:
    model = FakeModel(
        reply("I write.", WRITE),
        reply(("t2", "shell", {"command": "cat a"})),
        reply("Done."),
        reply("Again done."),
    )
    session = make(model, environment)
    finished = await session.submit("Write hi to a")
    assert (finished.reason, finished.text, finished.rounds) == ("done", "Done.", 2)
    assert (environment.root / "a").read_text() == "hi"
    assert results(model.last_message(2))[0][1].startswith("hi\n[exit code 0")
    assert session.state is SessionState.IDLE
    assert (await session.submit("And again")).text == "Again done."


async def test_history_is_append_only_and_answers_go_back_as_they_came(
    environment: LocalEnvironment,
) -> None:
    thinking = {"type": "thinking", "thinking": "", "signature": "c2ln", "extra": [1]}
    model = FakeModel(reply(thinking, "Hm.", WRITE), reply("More."), reply("End."))
    session = make(model, environment)
    await session.submit("One")
    session.steer("By the way")
    await session.submit("Two")
    for earlier, later in zip(model.sent, model.sent[1:], strict=False):
        assert later[: len(earlier)] == earlier
    assert json.loads(model.sent[-1][1])["content"][0] == thinking
    assert {request.system for request in model.requests} == {"Be good."}
    assert all(request.tools == model.requests[0].tools for request in model.requests)
    roles = [json.loads(message)["role"] for message in model.sent[-1]]
    assert roles == ["user", "assistant", "user", "assistant", "user"]


async def test_parallel_calls_are_answered_in_one_message_in_order(
    environment: LocalEnvironment,
) -> None:
    calls = [(f"t{n}", "shell", {"command": f"sleep 0.{3 - n}; echo {n}"}) for n in range(3)]
    for parallel in (False, True):
        model = FakeModel(reply(*calls), reply("Done."))
        session = make(model, environment, limits=SessionConfig(parallel_tools=parallel))
        await session.submit("Go")
        answered = results(model.last_message())
        assert [(id_, text[0]) for id_, text, _ in answered] == [
            ("t0", "0"),
            ("t1", "1"),
            ("t2", "2"),
        ]


async def test_calls_run_one_after_the_other_between_the_hooks(
    environment: LocalEnvironment,
) -> None:
    log: list[tuple[object, ...]] = []

    async def before(call: ToolCall) -> None:
        log.append(("before", call.id))

    async def after(record: ToolRecord) -> None:
        log.append(("after", record.call.id, record.is_error))

    model = FakeModel(reply(WRITE, ("t2", "read_file", {"file_path": "no"})), reply("Done."))
    await make(model, environment, before_tool=before, after_tool=after).submit("Go")
    assert log == [
        ("before", "t1"),
        ("after", "t1", False),
        ("before", "t2"),
        ("after", "t2", True),
    ]


async def test_mistakes_go_back_to_the_model(environment: LocalEnvironment) -> None:
    async def broken(*_: Any) -> str:
        raise KeyError("oops")

    tool = RegisteredTool(Tool("broken", "Breaks", {"type": "object"}), broken)
    model = FakeModel(
        reply(
            ("t1", "nonsense", {}),
            ("t2", "write_file", {"file_path": "a"}),
            ("t3", "broken", {}),
        ),
        reply("I see."),
    )
    finished = await make(model, environment, tools=[*coding_tools(), tool]).submit("Go")
    assert finished.reason == "done"
    unknown, invalid, failed = results(model.last_message())
    assert unknown[1].startswith("Unknown tool: nonsense")
    assert invalid[1].startswith("Invalid arguments for tool write_file: arguments: 'content'")
    assert failed[1] == "Tool error (broken): 'oops'"
    assert all(is_error for _, _, is_error in (unknown, invalid, failed))


@pytest.mark.parametrize(
    ("stop", "reason"),
    [
        ("refusal", "refusal"),
        ("model_context_window_exceeded", "context_window"),
        ("novelty", "stopped: novelty"),
    ],
)
async def test_an_answer_that_stopped_for_another_reason_runs_nothing(
    environment: LocalEnvironment, stop: str, reason: str
) -> None:
    model = FakeModel(reply("No.", WRITE, stop=stop), reply("Fine."))
    session = make(model, environment)
    assert (await session.submit("Go")).reason == reason
    assert environment.commands == []
    # The session can go on: what was left open is answered first.
    assert (await session.submit("Please")).reason == "done"
    (answered,) = results(model.last_message())
    assert answered[0] == "t1"
    assert answered[2]
    assert texts(model.last_message()) == ["Please"]


async def test_a_cut_off_answer_is_continued_and_its_calls_do_not_run(
    environment: LocalEnvironment,
) -> None:
    model = FakeModel(reply("Long", WRITE, stop="max_tokens"), reply("Done."))
    assert (await make(model, environment).submit("Go")).reason == "done"
    assert environment.commands == []
    ((id_, text, is_error),) = results(model.last_message())
    assert (id_, is_error) == ("t1", True)
    assert "cut off" in text
    assert "Go on from where it ended" in texts(model.last_message())[0]


async def test_cut_off_answers_end_some_day(environment: LocalEnvironment) -> None:
    model = FakeModel(*[reply("x", stop="max_tokens") for _ in range(10)])
    limits = SessionConfig(max_continuations=3)
    assert (await make(model, environment, limits=limits).submit("Go")).reason == "max_tokens"
    assert len(model.requests) == 4


async def test_an_answer_without_content_leaves_no_empty_message(
    environment: LocalEnvironment,
) -> None:
    model = FakeModel(reply(stop="max_tokens"), reply("Done."))
    await make(model, environment).submit("Go")
    assert [message["role"] for message in model.requests[1].messages] == ["user", "user"]
    assert model.sent[1][0] == model.sent[0][0]


async def test_a_paused_turn_goes_on_by_itself(environment: LocalEnvironment) -> None:
    model = FakeModel(reply("Wait", stop="pause_turn"), reply("Done."))
    assert (await make(model, environment).submit("Go")).text == "Done."
    assert model.last_message() == {
        "role": "assistant",
        "content": [{"type": "text", "text": "Wait"}],
    }


async def test_steering_comes_after_the_results_of_the_round(
    environment: LocalEnvironment,
) -> None:
    inbox = [["from the inbox"]]

    def steering(request: Any) -> Any:
        session.steer("turn left")
        inbox.append(["spec changed"])
        return reply(WRITE)

    model = FakeModel(steering, reply("Done."))
    session = make(model, environment, inbox=lambda: inbox.pop() if inbox else [])
    await session.submit("Go")
    assert texts(model.requests[0].messages[0]) == ["Go", "from the inbox"]
    message = model.last_message()
    assert [block["type"] for block in message["content"]] == ["tool_result", "text", "text"]
    assert texts(message) == ["turn left", "spec changed"]
    assert sum(isinstance(turn, SteeringTurn) for turn in session.history) == 3


async def test_follow_ups_are_done_afterwards(environment: LocalEnvironment) -> None:
    model = FakeModel(reply("First."), reply("Second."))
    session = make(model, environment)
    session.follow_up("Then this")
    assert (await session.submit("This")).text == "Second."
    assert texts(model.last_message()) == ["Then this"]


async def test_limits_stop_it(environment: LocalEnvironment) -> None:
    def busy() -> FakeModel:
        return FakeModel(*[reply((f"t{n}", "shell", {"command": f"echo {n}"})) for n in range(9)])

    limits = SessionConfig(max_tool_rounds_per_input=2)
    model = busy()
    session = make(model, environment, limits=limits)
    assert (await session.submit("Go")).reason == "round_limit"
    assert len(model.requests) == 2
    assert (await session.submit("More")).reason == "round_limit"
    assert len(model.requests) == 4, "the limit is per input"
    session = make(busy(), environment, limits=SessionConfig(max_turns=3))
    assert (await session.submit("Go")).reason == "turn_limit"
    assert (await session.submit("Go")).reason == "turn_limit"


@pytest.mark.parametrize("length", [1, 2, 3])
async def test_going_in_circles_is_noticed_and_finally_stopped(
    environment: LocalEnvironment, length: int
) -> None:
    calls = [reply((f"t{n}", "read_file", {"file_path": f"f{n % length}"})) for n in range(60)]
    model = FakeModel(*calls)
    warnings = []
    session = make(
        model,
        environment,
        limits=SessionConfig(loop_detection_window=8, max_loop_warnings=2),
        on_event=lambda event: (
            warnings.append(event) if event.kind is EventKind.LOOP_DETECTION else None
        ),
    )
    finished = await session.submit("Go")
    assert finished.reason == "loop"
    assert finished.rounds == 16
    assert len(warnings) == 2
    assert "try a different approach" in texts(model.requests[8].messages[-1])[0]


async def test_varied_work_is_no_loop(environment: LocalEnvironment) -> None:
    calls = [reply((f"t{n}", "read_file", {"file_path": f"f{n}"})) for n in range(15)]
    model = FakeModel(*calls, reply("Done."))
    limits = SessionConfig(loop_detection_window=4)
    assert (await make(model, environment, limits=limits).submit("Go")).reason == "done"


async def test_the_model_sees_a_part_and_the_host_everything(
    environment: LocalEnvironment,
) -> None:
    (environment.root / "big").write_text("x" * 100_000)
    records: list[ToolRecord] = []
    events: list[SessionEvent] = []
    model = FakeModel(
        reply(("t1", "read_file", {"file_path": "big"})),
        reply(("t2", "shell", {"command": "seq 1 1000"})),
        reply("Done."),
    )
    session = make(model, environment, on_tool=records.append, on_event=events.append)
    await session.submit("Go")
    seen = results(model.last_message(1))[0][1]
    assert "[WARNING: Tool output was truncated. 50006 characters were removed" in seen
    assert len(seen) < 51_000
    lines = results(model.last_message(2))[0][1].split("\n")
    assert len(lines) == 257
    assert "lines omitted" in lines[128]
    assert len(records[0].output) == 100_006
    ends = [event for event in events if event.kind is EventKind.TOOL_CALL_END]
    assert [len(event.data["output"]) for event in ends] == [len(r.output) for r in records]
    assert records[1].summary == "seq 1 1000"


async def test_events_bracket_the_session(environment: LocalEnvironment) -> None:
    events: list[SessionEvent] = []
    session = make(
        FakeModel(reply("Hm.", WRITE), reply("Done.")), environment, on_event=events.append
    )
    await session.submit("Go")
    session.close()
    assert [str(event.kind) for event in events] == [
        "session_start",
        "user_input",
        "assistant_text_start",
        "assistant_text_delta",
        "assistant_text_end",
        "tool_call_start",
        "tool_call_end",
        "assistant_text_start",
        "assistant_text_delta",
        "assistant_text_end",
        "processing_end",
        "session_end",
    ]
    with pytest.raises(SessionClosed):
        await session.submit("More")


async def test_abort_ends_a_running_command_and_closes(environment: LocalEnvironment) -> None:
    session = make(
        FakeModel(reply(("t1", "shell", {"command": "sleep 60"}))),
        environment,
    )
    work = asyncio.create_task(session.submit("Go"))
    while not environment.running:
        await asyncio.sleep(0.01)
    session.abort()
    assert (await work).reason == "aborted"
    assert not environment.running
    assert session.state is SessionState.CLOSED
    last = session.history[-1]
    assert isinstance(last, ToolResultsTurn)
    assert last.results[0].is_error


async def test_abort_cancels_a_model_call(environment: LocalEnvironment) -> None:
    cancelled = asyncio.Event()

    class Slow:
        async def complete(self, request: Any, on_delta: Any = None) -> Any:
            try:
                await asyncio.sleep(60)
            finally:
                cancelled.set()

    session = Session(Slow(), environment, system="")
    work = asyncio.create_task(session.submit("Go"))
    await asyncio.sleep(0.01)
    session.abort()
    assert (await work).reason == "aborted"
    assert cancelled.is_set()


async def test_an_error_of_the_model_leaves_a_session_that_can_go_on(
    environment: LocalEnvironment,
) -> None:
    model = FakeModel(reply(WRITE), RuntimeError("overloaded"), reply("Done."))
    session = make(model, environment)
    with pytest.raises(RuntimeError, match="overloaded"):
        await session.submit("Go")
    assert session.state is SessionState.IDLE
    assert (await session.submit()).text == "Done."
    assert model.sent[1] == model.sent[2], "the same request again"
    assert (environment.root / "a").read_text() == "hi"


async def test_a_rejected_key_closes(environment: LocalEnvironment) -> None:
    session = make(FakeModel(AuthError("bad key")), environment)
    with pytest.raises(AuthError):
        await session.submit("Go")
    assert session.state is SessionState.CLOSED


async def test_only_one_submission_at_a_time(environment: LocalEnvironment) -> None:
    session = make(FakeModel(reply("Done.")), environment)
    work = asyncio.create_task(session.submit("Go"))
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError, match="already at work"):
        await session.submit("Too")
    await work


async def test_a_session_cut_off_anywhere_goes_on_from_its_stored_turns(
    environment: LocalEnvironment,
) -> None:
    """Whatever turn was stored last, the rest of the work gets done, with a sound history."""
    script = [reply("I write.", WRITE), reply(("t2", "shell", {"command": "cat a"})), reply("Ok")]

    class Killed(Exception):
        pass

    for survivors in range(1, 6):
        stored: list[str] = []

        def keep(turn: Turn, stored: list[str] = stored, survivors: int = survivors) -> None:
            if len(stored) == survivors:
                raise Killed
            stored.append(json.dumps(turn_to_json(turn)))

        model = FakeModel(*script)
        with pytest.raises(Killed):
            await make(model, environment, on_turn=keep).submit("Go")
        history = [turn_from_json(json.loads(text)) for text in stored]
        remaining = script[sum(isinstance(turn, AssistantTurn) for turn in history) :]
        keys: list[int] = []

        def key(ordinal: int, keys: list[int] = keys) -> str:
            keys.append(ordinal)
            return f"builder/1///{ordinal}"

        model = FakeModel(*remaining)
        session = make(model, environment, history=history, key=key)
        assert (await session.submit()).text == "Ok"
        assert keys == list(range(3 - len(remaining), 3))
        for message in model.requests[-1].messages:
            assert message["content"]
        open_calls: set[str] = set()
        for message in model.requests[-1].messages:
            answered = {id_ for id_, _, _ in results(message)}
            assert answered == open_calls
            open_calls = {b["id"] for b in message["content"] if b["type"] == "tool_use"}
    # After the last turn there is nothing left to do.
    session = make(FakeModel(), environment, history=session.history)
    assert (await session.submit()).text == "Ok"


async def test_interrupted_calls_are_reported_as_such(environment: LocalEnvironment) -> None:
    call = {"type": "tool_use", "id": "t9", "name": "shell", "input": {"command": "make"}}
    history = [UserTurn("Go"), AssistantTurn([call], "tool_use")]
    model = FakeModel(reply("Ok"))
    await make(model, environment, history=history).submit()
    ((id_, text, is_error),) = results(model.last_message())
    assert (id_, is_error) == ("t9", True)
    assert text.startswith("interrupted")


async def test_a_full_context_window_is_announced(environment: LocalEnvironment) -> None:
    events: list[SessionEvent] = []
    session = make(
        FakeModel(reply("Done.")),
        environment,
        limits=SessionConfig(context_window_size=130),
        on_event=events.append,
    )
    await session.submit("Go")
    (warning,) = [event for event in events if event.kind is EventKind.WARNING]
    assert warning.data["message"] == "Context usage at 85% of context window"
