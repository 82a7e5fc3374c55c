"""Interviewers and the artifact store."""

import asyncio
import io
from pathlib import Path

import pytest

from factory_tui.attractor import (
    Answer,
    AnswerValue,
    ArtifactStore,
    AutoApproveInterviewer,
    CallbackInterviewer,
    ConsoleInterviewer,
    Context,
    Option,
    Question,
    QuestionType,
    QueueInterviewer,
    RecordingInterviewer,
    ask_with_timeout,
    normalize_label,
)

CHOICE = Question("Ship?", options=[Option("Y", "Yes, ship"), Option("N", "No")])
YES_NO = Question("Sure?", QuestionType.YES_NO)
CONFIRM = Question("Really?", QuestionType.CONFIRMATION)
FREE = Question("Why?", QuestionType.FREEFORM)


async def test_auto_approve() -> None:
    person = AutoApproveInterviewer()
    assert (await person.ask(CHOICE)).selected_option == CHOICE.options[0]
    answers = await person.ask_multiple([YES_NO, CONFIRM, FREE])
    assert [answer.value for answer in answers] == ["yes", "yes", "auto-approved"]


async def test_console_asks_until_it_understands() -> None:
    out = io.StringIO()
    person = ConsoleInterviewer(io.StringIO("what\nyes, SHIP\nn\nbecause\n"), out)
    assert (await person.ask(CHOICE)).value == "Y"
    assert (await person.ask(YES_NO)).value is AnswerValue.NO
    assert (await person.ask(FREE)).text == "because"
    assert (await person.ask(CONFIRM)).value is AnswerValue.SKIPPED, "the input has ended"
    await person.inform("Done", "ship")
    shown = out.getvalue()
    assert "[?] Ship?\n  [Y] Yes, ship\n  [N] No\nSelect: " in shown
    assert shown.count("Please choose") == 1
    assert shown.endswith("[ship] Done\n")


async def test_callback_plain_or_async_and_recording() -> None:
    async def later(question: Question) -> Answer:
        return Answer("N")

    plain = RecordingInterviewer(CallbackInterviewer(lambda question: Answer("Y")))
    assert (await plain.ask(CHOICE)).value == "Y"
    assert (await CallbackInterviewer(later).ask(CHOICE)).value == "N"
    assert plain.recordings == [(CHOICE, Answer("Y"))]


async def test_a_queue_runs_dry() -> None:
    person = QueueInterviewer([Answer("N")])
    answers = await person.ask_multiple([CHOICE, CHOICE])
    assert [answer.value for answer in answers] == ["N", "skipped"]


async def test_a_default_counts_when_the_time_is_over() -> None:
    async def never(question: Question) -> Answer:
        await asyncio.sleep(60)
        return Answer("Y")

    person = CallbackInterviewer(never)
    quick = Question("Ship?", timeout_seconds=0.01)
    assert (await ask_with_timeout(person, quick)).value is AnswerValue.TIMEOUT
    quick = Question("Ship?", timeout_seconds=0.01, default=Answer("N"))
    assert (await ask_with_timeout(person, quick)).value == "N"


@pytest.mark.parametrize(
    "label", ["Yes, deploy", "[Y] Yes, deploy", "Y) yes, deploy ", "Y - Yes, Deploy"]
)
def test_labels_compare_without_their_keys(label: str) -> None:
    assert normalize_label(label) == "yes, deploy"


def test_small_artifacts_stay_in_memory_large_ones_go_to_disk(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    small = store.store("small", "Small", {"a": 1})
    large = store.store("large", "Large", "x" * 200_000)
    assert (small.is_file_backed, large.is_file_backed) == (False, True)
    assert large.size_bytes == 200_002
    assert store.retrieve("small") == {"a": 1}
    assert store.retrieve("large") == "x" * 200_000
    assert [path.name for path in (tmp_path / "artifacts").iterdir()] == ["large.json"]
    store.store("large", "Smaller now", 1)
    assert list((tmp_path / "artifacts").iterdir()) == []
    assert [info.id for info in store.list()] == ["small", "large"]
    store.clear()
    assert not store.has("small")
    with pytest.raises(KeyError, match="artifact not found"):
        store.retrieve("small")
    with pytest.raises(ValueError, match="plain name"):
        store.store("../x", "Out", 1)


def test_a_cloned_context_is_independent() -> None:
    context = Context({"list": [1]})
    context.append_log("begun")
    twin = context.clone()
    twin.get("list").append(2)
    twin.append_log("branch")
    assert context.get("list") == [1]
    assert context.logs == ["begun"]
    assert context.get_string("missing", "none") == "none"
