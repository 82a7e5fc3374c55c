"""Questions that wait for an answer from elsewhere: a web page, a screen, another process."""

import asyncio
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from factory_tui.attractor.interviewer import (
    Answer,
    AnswerValue,
    Question,
    QuestionType,
    find_matching_option,
)

__all__ = ["PendingInterviewer", "PendingQuestion", "UnknownQuestion"]

_WORDS = {
    "y": AnswerValue.YES,
    "yes": AnswerValue.YES,
    "true": AnswerValue.YES,
    "n": AnswerValue.NO,
    "no": AnswerValue.NO,
    "false": AnswerValue.NO,
}


class UnknownQuestion(KeyError):
    """No question with this id waits; it was never asked, or is settled."""

    def __str__(self) -> str:
        return f"no question {self.args[0]!r} is waiting for an answer"


@dataclass(frozen=True, slots=True)
class PendingQuestion:
    """A question that waits, under an id that no other question ever has."""

    id: str
    question: Question
    _answer: "asyncio.Future[Answer]" = field(repr=False, compare=False)

    def to_json(self) -> dict[str, Any]:
        """The question as a screen or a web page gets it."""
        question = self.question
        return {
            "id": self.id,
            "text": question.text,
            "type": str(question.type),
            "options": [{"key": o.key, "label": o.label} for o in question.options],
            "timeout_seconds": question.timeout_seconds,
            "stage": question.stage,
            "metadata": question.metadata,
        }


class PendingInterviewer:
    """Keeps questions until `answer` is called with their id.

    Everything happens on the event loop that asks. A question whose asker gives up (its time is
    over, the run is cancelled) no longer waits.

    Args:
        on_asked: Called with every question as it begins to wait.
        on_settled: Called with every question and its answer, or None where the asker gave up.
        on_informed: Called with every message and its stage.
    """

    def __init__(
        self,
        on_asked: Callable[[PendingQuestion], None] | None = None,
        on_settled: Callable[[PendingQuestion, Answer | None], None] | None = None,
        on_informed: Callable[[str, str], None] | None = None,
    ) -> None:
        self._asked, self._settled, self._informed = on_asked, on_settled, on_informed
        self._waiting: dict[str, PendingQuestion] = {}

    def pending(self) -> list[PendingQuestion]:
        """The questions that wait, oldest first."""
        return list(self._waiting.values())

    async def ask(self, question: Question) -> Answer:
        """Wait until somebody answers."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        waiting = PendingQuestion(uuid.uuid4().hex[:12], question, future)
        self._waiting[waiting.id] = waiting
        if self._asked is not None:
            self._asked(waiting)
        answer: Answer | None = None
        try:
            answer = await future
            return answer
        finally:
            self._waiting.pop(waiting.id, None)
            if self._settled is not None:
                self._settled(waiting, answer)

    async def ask_multiple(self, questions: Sequence[Question]) -> list[Answer]:
        """Ask all at once; answers in the order of the questions."""
        return list(await asyncio.gather(*(self.ask(question) for question in questions)))

    async def inform(self, message: str, stage: str) -> None:
        """Pass a message on."""
        if self._informed is not None:
            self._informed(message, stage)

    def answer(self, question_id: str, reply: Answer | str) -> Answer:
        """Settle a question.

        Args:
            question_id: Its id.
            reply: An answer, or text: an option's key or label, yes or no, free text, or
                "skipped".

        Returns:
            The answer as the asker gets it.

        Raises:
            UnknownQuestion: No such question waits.
            ValueError: The text is no answer to it.
        """
        waiting = self._waiting.get(question_id)
        if waiting is None or waiting._answer.done():
            raise UnknownQuestion(question_id)
        answer = reply if isinstance(reply, Answer) else _understand(reply, waiting.question)
        waiting._answer.set_result(answer)
        return answer


def _understand(text: str, question: Question) -> Answer:
    if text.strip().lower() == AnswerValue.SKIPPED:
        return Answer(AnswerValue.SKIPPED)
    if question.type is QuestionType.FREEFORM:
        return Answer(text, text=text)
    if question.type is QuestionType.MULTIPLE_CHOICE:
        option = find_matching_option(text, question.options)
        if option is None:
            keys = ", ".join(option.key for option in question.options)
            raise ValueError(f"{text!r} is not one of the answers {keys}")
        return Answer(option.key, option)
    value = _WORDS.get(text.strip().lower())
    if value is None:
        raise ValueError(f"{text!r} is neither yes nor no")
    return Answer(value)
