"""Tool hooks, questions that wait for an answer from elsewhere, supervisors, plain functions."""

import asyncio
import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from factory_tui.attractor import (
    Answer,
    AnswerValue,
    Context,
    Node,
    Option,
    Outcome,
    PendingInterviewer,
    PendingQuestion,
    PipelineEvent,
    Question,
    QuestionType,
    ToolCallSkipped,
    ToolHooks,
    ToolResult,
    UnknownQuestion,
    ask_with_timeout,
    parse_dot,
    run_pipeline,
)


def flow(body: str) -> str:
    return f"digraph P {{ start [shape=Mdiamond] exit [shape=Msquare] node [prompt=x] {body} }}"


# --- tool hooks -----------------------------------------------------------------------------


class Agent:
    """A backend that makes tool calls, each with the hooks of its stage around it."""

    def __init__(self, *calls: str) -> None:
        self.calls, self.made, self.refused = calls, list[str](), list[str]()

    async def run(self, node: Node, prompt: str, context: Context) -> str:
        hooks = ToolHooks.of(node, context)
        for number, command in enumerate(self.calls):

            async def execute(command: str = command) -> str:
                self.made.append(command)
                if command == "break":
                    raise RuntimeError("tool broke")
                return f"ran {command}"

            try:
                arguments = {"command": command}
                await hooks.call("shell", arguments, execute, call_id=f"{node.id}-{number}")
            except ToolCallSkipped as skipped:
                self.refused.append(str(skipped))
            except RuntimeError:
                pass
        return "ok"


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


async def test_hooks_see_every_call_and_may_refuse_it(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    pre = f"cat >> {seen}; test $ATTRACTOR_CALL != a-1 || {{ echo not that >&2; exit 9; }}"
    source = flow(
        f'graph [tool_hooks.pre="{pre}", tool_hooks.post="cat >> {seen}; exit 5"]'
        ' start -> a -> b -> exit b [tool_hooks.pre="", tool_hooks.post="exit 0"]'
    )
    agent = Agent("ls", "rm", "break")
    outcome = await run_pipeline(parse_dot(source), backend=agent, run_dir=tmp_path / "run")
    assert outcome.status == "success"
    assert agent.made == ["ls", "break", "ls", "rm", "break"]
    assert agent.refused == [
        "the call of shell was refused by a hook (exit code 9): not that",
    ]
    heard = lines(seen)
    assert [(h["hook"], h["arguments"]["command"]) for h in heard] == [
        ("pre", "ls"), ("post", "ls"), ("pre", "rm"), ("pre", "break"), ("post", "break"),
    ]  # fmt: skip
    assert heard[1]["result"] == "ran ls"
    assert (heard[4]["result"], heard[4]["is_error"]) == ("tool broke", True)
    assert heard[0]["node"] == "a"
    assert heard[0]["run"] == outcome.context.get("internal.run_id")
    log = lines(tmp_path / "run" / "a" / "tool_hooks.jsonl")
    assert [(line["hook"], line["exit_code"], line["skipped"]) for line in log] == [
        ("pre", 0, False), ("post", 5, False), ("pre", 9, True), ("pre", 0, False),
        ("post", 5, False),
    ]  # fmt: skip
    log = lines(tmp_path / "run" / "b" / "tool_hooks.jsonl")
    assert [line["hook"] for line in log] == ["post"] * 3


async def test_a_hook_gets_its_facts_and_cannot_be_forced_open() -> None:
    got: list[dict[str, str]] = []

    async def run(command: str, *, stdin: bytes, env: dict[str, str]) -> ToolResult:
        got.append(env)
        if command == "hang":
            raise TimeoutError
        return ToolResult(0, "")

    node = Node("n", {"tool_hooks.pre": "look"})
    hooks = ToolHooks.of(node, Context({"internal.run_id": "r1"}), run)
    await hooks.before("write", {"path": "x"}, call_id="c7")
    assert got == [
        {
            "ATTRACTOR_HOOK": "pre",
            "ATTRACTOR_NODE": "n",
            "ATTRACTOR_RUN": "r1",
            "ATTRACTOR_TOOL": "write",
            "ATTRACTOR_CALL": "c7",
        }
    ]
    with pytest.raises(ToolCallSkipped, match="took longer"):
        await ToolHooks(pre="hang", run=run).before("write", {})
    await ToolHooks().before("write", {})
    assert len(got) == 2, "without a hook nothing is run"


# --- questions that wait --------------------------------------------------------------------

CHOICE = Question("Ship?", options=[Option("S", "[S] Ship"), Option("F", "Fix")], stage="gate")


async def test_a_question_waits_until_it_is_answered() -> None:
    asked: list[PendingQuestion] = []
    settled: list[tuple[str, Answer | None]] = []
    told: list[tuple[str, str]] = []
    people = PendingInterviewer(
        asked.append,
        lambda question, answer: settled.append((question.id, answer)),
        lambda message, stage: told.append((message, stage)),
    )
    yes_no = Question("Sure?", QuestionType.YES_NO)
    free = Question("Why?", QuestionType.FREEFORM)
    waiting = asyncio.create_task(people.ask_multiple([CHOICE, yes_no, free]))
    while len(people.pending()) < 3:
        await asyncio.sleep(0)
    assert [question.question.text for question in people.pending()] == ["Ship?", "Sure?", "Why?"]
    assert asked == people.pending()
    assert asked[0].to_json()["options"][1] == {"key": "F", "label": "Fix"}
    first, second, third = (question.id for question in asked)
    for wrong in ("maybe", ""):
        with pytest.raises(ValueError, match="not one of the answers S, F"):
            people.answer(first, wrong)
    with pytest.raises(ValueError, match="neither yes nor no"):
        people.answer(second, "perhaps")
    people.answer(second, "Y")
    people.answer(third, "because")
    people.answer(first, "fix")
    answers = await waiting
    assert answers[0].selected_option == Option("F", "Fix")
    assert answers[1].value is AnswerValue.YES
    assert answers[2].text == "because"
    assert people.pending() == []
    assert {ident for ident, _ in settled} == {first, second, third}
    with pytest.raises(UnknownQuestion, match="is waiting"):
        people.answer(first, "S")
    await people.inform("done", "gate")
    assert told == [("done", "gate")]


async def test_a_question_nobody_answers_no_longer_waits() -> None:
    settled: list[Answer | None] = []
    people = PendingInterviewer(on_settled=lambda question, answer: settled.append(answer))
    quick = Question("Ship?", options=CHOICE.options, timeout_seconds=0.01)
    assert (await ask_with_timeout(people, quick)).value is AnswerValue.TIMEOUT
    assert people.pending() == []
    assert settled == [None]


async def test_a_gate_is_bridged_to_somewhere_else() -> None:
    """What an engine does: write the question down, and hand the answer in when it comes."""
    journal: list[dict[str, Any]] = []
    people = PendingInterviewer(lambda question: journal.append(question.to_json()))
    source = flow('h [shape=hexagon] start -> h h -> a [label="[A] One"] h -> b [label="[B] Two"]'
                  " a -> exit b -> exit")  # fmt: skip
    work = asyncio.create_task(run_pipeline(parse_dot(source), interviewer=people))
    while not journal:
        await asyncio.sleep(0.001)
    people.answer(journal[0]["id"], "B")
    assert (await work).completed_nodes == ["start", "h", "b", "exit"]


async def test_who_waits_in_vain_is_told() -> None:
    told: list[str] = []
    people = PendingInterviewer(on_informed=lambda message, stage: told.append(message))
    source = flow('h [shape=hexagon, timeout=10ms, human.default_choice=exit] start -> h'
                  ' h -> exit [label="Go"]')  # fmt: skip
    outcome = await run_pipeline(parse_dot(source), interviewer=people)
    assert outcome.status == "success"
    assert told == ["Nobody answered; went on with Go"]


async def test_interviewers_and_callbacks_may_be_plain() -> None:
    class Plain:
        def ask(self, question: Question) -> Answer:
            return Answer("F")

    people: Any = Plain()
    assert (await ask_with_timeout(people, CHOICE)).value == "F"


# --- plain backends -------------------------------------------------------------------------


async def test_plain_functions_do_not_hold_one_another_up() -> None:
    together = threading.Barrier(2, timeout=30)

    def backend(node: Node, prompt: str, context: Context) -> str:
        together.wait()  # breaks unless both branches are in here at once
        return "ok"

    source = flow(
        'fan [shape=component] join [shape=tripleoctagon, prompt=""]'
        " start -> fan fan -> a -> join fan -> b -> join join -> exit"
    )
    outcome = await run_pipeline(parse_dot(source), backend=backend)
    assert outcome.context.get("parallel.success_count") == 2


async def test_plain_functions_have_their_time_limit_too() -> None:
    release = threading.Event()

    def backend(node: Node, prompt: str, context: Context) -> str:
        release.wait(30)
        return "late"

    began = time.monotonic()
    outcome = await run_pipeline(
        parse_dot(flow("start -> n -> exit n [timeout=50ms]")), llm_callback=backend
    )
    release.set()
    assert outcome.failure_reason == "timed out after 0.05 s"
    assert time.monotonic() - began < 25


# --- supervisors ----------------------------------------------------------------------------


def managed(tmp_path: Path, child: str) -> str:
    (tmp_path / "child.dot").write_text(flow(child))
    return flow(
        f'stack.child_dotfile="{tmp_path / "child.dot"}" start -> m -> exit'
        ' m [shape=house, prompt="Watch it", manager.poll_interval=5ms,'
        ' manager.actions="observe,steer,wait"]'
    )


async def test_a_supervisor_steers_the_active_stage(tmp_path: Path) -> None:
    source = managed(tmp_path, "w [max_retries=50] start -> w -> exit")
    prompts: list[str] = []

    async def backend(node: Node, prompt: str, context: Context) -> str | Outcome:
        if node.id == "m":
            prompts.append(prompt)
            return "Use the other door." if "'w'" in prompt else "continue"
        await asyncio.sleep(0.01)
        if "From your supervisor:\nUse the other door." in prompt:
            return "through"
        return Outcome.fail("locked")

    outcome = await run_pipeline(parse_dot(source), backend=backend, run_dir=tmp_path / "run")
    assert outcome.status == "success"
    assert any("Watch it" in prompt and "ESCALATE" in prompt for prompt in prompts)
    said = (tmp_path / "run" / "m" / "child" / "w" / "prompt.md").read_text()
    assert "Use the other door." in said


async def test_a_supervisor_gives_up(tmp_path: Path) -> None:
    source = managed(tmp_path, "start -> w -> exit")
    ended: list[str] = []

    async def backend(node: Node, prompt: str, context: Context) -> str:
        if node.id == "m":
            return "ESCALATE it goes in circles" if "'w'" in prompt else "CONTINUE"
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append(node.id)
        return ""

    events: list[PipelineEvent] = []
    outcome = await run_pipeline(parse_dot(source), backend=backend, on_event=events.append)
    assert outcome.failure_reason == "Escalated: it goes in circles"
    assert ended == ["w"]


async def test_an_outcome_leaves_a_response_too(tmp_path: Path) -> None:
    answers = [Outcome.fail("not yet"), Outcome(notes="good")]

    def backend(node: Node, prompt: str, context: Context) -> Outcome:
        return answers.pop(0)

    said: list[str] = []

    def on_event(event: PipelineEvent) -> None:
        if event.kind in ("StageFailed", "StageCompleted") and event.to_json()["name"] == "n":
            said.append((tmp_path / "n" / "response.md").read_text())

    source = flow('start -> n -> exit n -> n [condition="outcome=fail"]')
    await run_pipeline(parse_dot(source), backend=backend, run_dir=tmp_path, on_event=on_event)
    assert said == ["not yet", "good"]
