"""Stages a person decides. Section 4.6 of the Attractor specification."""

import inspect
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from factory_tui.attractor.context import Context
from factory_tui.attractor.events import (
    InterviewCompleted,
    InterviewStarted,
    InterviewTimeout,
    PipelineEvent,
)
from factory_tui.attractor.interviewer import (
    Answer,
    AnswerValue,
    Interviewer,
    Option,
    Question,
    QuestionType,
    ask_with_timeout,
)
from factory_tui.attractor.model import Graph, Node
from factory_tui.attractor.outcome import Outcome, StageStatus
from factory_tui.attractor.routing import parse_accelerator_key

__all__ = ["WaitForHumanHandler"]


@dataclass(frozen=True, slots=True)
class _Choice:
    key: str
    label: str
    to: str


class WaitForHumanHandler:
    """Offers the outgoing edges and follows the one that is chosen.

    The node's ``timeout`` limits the wait; ``human.default_choice`` names the target that counts
    then.
    """

    handles_timeout = True

    def __init__(
        self, interviewer: Interviewer, emit: Callable[[PipelineEvent], None] = lambda event: None
    ) -> None:
        self.interviewer, self._emit = interviewer, emit

    async def execute(self, node: Node, context: Context, graph: Graph, run_dir: Path) -> Outcome:
        """Ask and wait."""
        choices = _choices(node, graph)
        if not choices:
            return Outcome.fail("No outgoing edges for human gate", terminal=True)
        question = Question(
            node.label or "Select an option:",
            QuestionType.MULTIPLE_CHOICE,
            [Option(choice.key, choice.label) for choice in choices],
            timeout_seconds=node.timeout,
            stage=node.id,
        )
        labels = [choice.label for choice in choices]
        self._emit(InterviewStarted(question.text, node.id, labels))
        began = time.monotonic()
        answer = await ask_with_timeout(self.interviewer, question)
        waited = time.monotonic() - began
        if answer.value == AnswerValue.TIMEOUT:
            self._emit(InterviewTimeout(question.text, node.id, waited))
            wanted = str(node.attrs.get("human.default_choice", ""))
            selected = next((c for c in choices if wanted in (c.to, c.label, c.key)), None)
            if not wanted or selected is None:
                return Outcome(StageStatus.RETRY, failure_reason="human gate timeout, no default")
            told = self.interviewer.inform(
                f"Nobody answered; went on with {selected.label}", node.id
            )
            if inspect.isawaitable(told):
                await told
        elif answer.value == AnswerValue.SKIPPED:
            self._emit(InterviewCompleted(question.text, "skipped", waited))
            return Outcome.fail("human skipped interaction")
        else:
            selected = _find(answer, choices) or choices[0]
            self._emit(InterviewCompleted(question.text, selected.label, waited))
        return Outcome(
            preferred_label=selected.label,
            suggested_next_ids=[selected.to],
            context_updates={
                "human.gate.selected": selected.key,
                "human.gate.label": selected.label,
            },
            notes=f"Selected: {selected.label}",
        )


def _choices(node: Node, graph: Graph) -> list[_Choice]:
    """The outgoing edges with distinct keys: a taken letter gives way to the next free one."""
    choices: list[_Choice] = []
    taken: set[str] = set()
    for edge in graph.outgoing_edges(node.id):
        label = edge.label or edge.to_node
        candidates = [parse_accelerator_key(label), *(c.upper() for c in label if c.isalnum())]
        numbers = (str(number) for number in range(1, 1000))
        key = next(c for c in (*candidates, *numbers) if c and c not in taken)
        taken.add(key)
        choices.append(_Choice(key, label, edge.to_node))
    return choices


def _find(answer: Answer, choices: list[_Choice]) -> _Choice | None:
    option = answer.selected_option
    wanted = {str(answer.value).strip().lower(), answer.text.strip().lower()}
    if option is not None:
        wanted |= {option.key.lower(), option.label.lower()}
    wanted.discard("")
    for read in ("key", "label", "to"):
        for choice in choices:
            if getattr(choice, read).lower() in wanted:
                return choice
    return None
