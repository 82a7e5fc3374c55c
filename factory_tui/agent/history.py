"""What was said in a session: it only grows, and is kept before anything is done with it."""

from collections.abc import Callable, Sequence

from factory_tui.agent.turns import (
    AssistantTurn,
    ToolResult,
    ToolResultsTurn,
    Turn,
    UserTurn,
    unanswered_calls,
)

__all__ = ["History"]


class History:
    """The turns of a session, in order.

    Args:
        turns: Stored turns to go on from.
        on_turn: Called with every turn before it is added; what it raises keeps it out.
    """

    def __init__(
        self, turns: Sequence[Turn] = (), on_turn: Callable[[Turn], None] | None = None
    ) -> None:
        self._turns = list(turns)
        self._on_turn = on_turn

    @property
    def turns(self) -> Sequence[Turn]:
        """All of them; not to be changed."""
        return self._turns

    @property
    def answers(self) -> int:
        """How many answers of the model there are."""
        return sum(isinstance(turn, AssistantTurn) for turn in self._turns)

    @property
    def ordinal(self) -> int:
        """How many answers the current input has had; the same again after a resume."""
        count = 0
        for turn in reversed(self._turns):
            if isinstance(turn, UserTurn):
                break
            count += isinstance(turn, AssistantTurn)
        return count

    @property
    def last_text(self) -> str:
        """What the model said last, "" if nothing."""
        answers = (t.text for t in reversed(self._turns) if isinstance(t, AssistantTurn))
        return next(answers, "")

    @property
    def answered(self) -> bool:
        """Whether it ends with an answer that leaves nothing to do."""
        if not self._turns:
            return True
        last = self._turns[-1]
        cut_off = ("max_tokens", "pause_turn")
        return isinstance(last, AssistantTurn) and last.stop_reason not in cut_off

    def add(self, turn: Turn) -> None:
        """Add a turn."""
        # Stored first: what is not in the store must not have been acted upon.
        if self._on_turn is not None:
            self._on_turn(turn)
        self._turns.append(turn)

    def answer_open_calls(self, message: str) -> None:
        """Answer tool calls that nothing has answered: the API refuses to go on otherwise."""
        if calls := unanswered_calls(self._turns):
            results = [ToolResult(call["id"], message, is_error=True) for call in calls]
            self.add(ToolResultsTurn(results))
