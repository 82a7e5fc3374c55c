"""Asking a person. Section 6 of the Attractor specification."""

import asyncio
import inspect
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, TextIO

__all__ = [
    "Answer",
    "AnswerValue",
    "AutoApproveInterviewer",
    "CallbackInterviewer",
    "ConsoleInterviewer",
    "Interviewer",
    "Option",
    "Question",
    "QuestionType",
    "QueueInterviewer",
    "RecordingInterviewer",
    "ask_with_timeout",
    "find_matching_option",
]


class QuestionType(StrEnum):
    """What kind of answer is wanted."""

    YES_NO = "yes_no"
    MULTIPLE_CHOICE = "multiple_choice"
    FREEFORM = "freeform"
    CONFIRMATION = "confirmation"


class AnswerValue(StrEnum):
    """Answers that are not an option's key."""

    YES = "yes"
    NO = "no"
    SKIPPED = "skipped"
    TIMEOUT = "timeout"


@dataclass(frozen=True, slots=True)
class Option:
    """One choice: a shortcut key and the text to show."""

    key: str
    label: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered: a value, the option it stands for, or free text."""

    value: str = ""
    selected_option: Option | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, by which stage, and what counts when nobody answers in time."""

    text: str
    type: QuestionType = QuestionType.MULTIPLE_CHOICE
    options: Sequence[Option] = ()
    default: Answer | None = None
    timeout_seconds: float | None = None
    stage: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)


class Interviewer(Protocol):
    """A way to reach a person."""

    async def ask(self, question: Question) -> Answer:
        """Ask and wait."""
        ...

    async def ask_multiple(self, questions: Sequence[Question]) -> list[Answer]:
        """Ask several questions; answers in their order."""
        ...

    async def inform(self, message: str, stage: str) -> None:
        """Say something that needs no answer."""
        ...


async def ask_with_timeout(interviewer: Interviewer, question: Question) -> Answer:
    """Ask; when the time is over, the question's default counts, else TIMEOUT.

    An interviewer whose ``ask`` is a plain method is taken as well.
    """
    try:
        async with asyncio.timeout(question.timeout_seconds):
            given = interviewer.ask(question)
            answer = await given if inspect.isawaitable(given) else given
    except TimeoutError:
        answer = Answer(AnswerValue.TIMEOUT)
    if answer.value == AnswerValue.TIMEOUT and question.default is not None:
        return question.default
    return answer


def find_matching_option(response: str, options: Iterable[Option]) -> Option | None:
    """The option a reply means: by key, else by label, whatever the case."""
    wanted = response.strip().lower()
    options = list(options)
    for option in options:
        if option.key.lower() == wanted:
            return option
    return next((option for option in options if option.label.strip().lower() == wanted), None)


class _Base:
    """What every interviewer here does the same way."""

    async def ask(self, question: Question) -> Answer:
        raise NotImplementedError

    async def ask_multiple(self, questions: Sequence[Question]) -> list[Answer]:
        """Ask one after the other."""
        return [await self.ask(question) for question in questions]

    async def inform(self, message: str, stage: str) -> None:
        """Nobody is listening here."""


class AutoApproveInterviewer(_Base):
    """Says yes, and takes the first option."""

    async def ask(self, question: Question) -> Answer:
        """Approve."""
        if question.type in (QuestionType.YES_NO, QuestionType.CONFIRMATION):
            return Answer(AnswerValue.YES)
        if question.type is QuestionType.MULTIPLE_CHOICE and question.options:
            first = question.options[0]
            return Answer(first.key, first)
        return Answer("auto-approved", text="auto-approved")


class ConsoleInterviewer(_Base):
    """Asks on a terminal; an end of input skips the question."""

    def __init__(self, stdin: TextIO | None = None, stdout: TextIO | None = None) -> None:
        self._stdin, self._stdout = stdin or sys.stdin, stdout or sys.stdout

    async def ask(self, question: Question) -> Answer:
        """Print the question and read a line, again until it can be understood."""
        self._say(f"[?] {question.text}\n")
        for option in question.options:
            self._say(f"  [{option.key}] {option.label}\n")
        prompts = {QuestionType.MULTIPLE_CHOICE: "Select: ", QuestionType.FREEFORM: "> "}
        while True:
            self._say(prompts.get(question.type, "[Y/N]: "))
            line = await asyncio.to_thread(self._stdin.readline)
            if not line:
                return Answer(AnswerValue.SKIPPED)
            if (answer := _read_answer(line.strip(), question)) is not None:
                return answer
            self._say("Please choose one of the answers shown.\n")

    async def inform(self, message: str, stage: str) -> None:
        """Print a message."""
        self._say(f"[{stage}] {message}\n" if stage else f"{message}\n")

    def _say(self, text: str) -> None:
        self._stdout.write(text)
        self._stdout.flush()


def _read_answer(line: str, question: Question) -> Answer | None:
    if question.type is QuestionType.FREEFORM:
        return Answer(line, text=line)
    if question.type is QuestionType.MULTIPLE_CHOICE:
        option = find_matching_option(line, question.options)
        return Answer(option.key, option) if option else None
    yes_no = {"y": AnswerValue.YES, "yes": AnswerValue.YES, "n": AnswerValue.NO}
    value = yes_no.get(line.lower(), AnswerValue.NO if line.lower() == "no" else None)
    return Answer(value) if value else None


class CallbackInterviewer(_Base):
    """Hands questions to a function, plain or async."""

    def __init__(self, callback: Callable[[Question], Answer | Awaitable[Answer]]) -> None:
        self._callback = callback

    async def ask(self, question: Question) -> Answer:
        """Call the function."""
        answer = self._callback(question)
        return await answer if inspect.isawaitable(answer) else answer


class QueueInterviewer(_Base):
    """Gives prepared answers, then skips."""

    def __init__(self, answers: Iterable[Answer]) -> None:
        self.answers = deque(answers)

    async def ask(self, question: Question) -> Answer:
        """Take the next answer."""
        return self.answers.popleft() if self.answers else Answer(AnswerValue.SKIPPED)


class RecordingInterviewer(_Base):
    """Keeps what another interviewer was asked and answered."""

    def __init__(self, inner: Interviewer) -> None:
        self.inner = inner
        self.recordings: list[tuple[Question, Answer]] = []

    async def ask(self, question: Question) -> Answer:
        """Ask the other and remember."""
        answer = await self.inner.ask(question)
        self.recordings.append((question, answer))
        return answer

    async def inform(self, message: str, stage: str) -> None:
        """Pass a message on."""
        await self.inner.inform(message, stage)
