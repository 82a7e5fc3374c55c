"""What a scenario does with a universe: setting up, looking at the state, leading a program in."""

import re
from collections.abc import Mapping
from typing import Any, Final

from factory_tui.universe.pack import ApplyError, Twin
from factory_tui.universe.tables import Row

__all__ = ["Staging"]

_PICK: Final = re.compile(r"any:([^:{}\s]+):(\d+)")


class Staging:
    """The part of a universe that scenarios use."""

    twins: dict[str, Twin]

    def view(self, twin: str) -> dict[str, list[Row]]:
        """The twin's state as facts see it. Raises ``KeyError`` for an unknown twin."""
        state = self.twins[twin]
        return state.pack.view(state)

    def apply(self, twin: str, op: str, args: Any) -> Any:
        """Change a twin's state as a scenario's setup or step asks.

        ``any:GROUP:N`` in a string becomes the email of that member. Returns what the
        operation returns (for ``add_users`` the entities). Raises :class:`ApplyError`.
        """
        state = self.twins.get(twin)
        if state is None:
            raise ApplyError(f'there is no twin "{twin}"')
        try:
            return state.pack.apply(state, op, self._resolved(args))
        except (KeyError, TypeError, AttributeError) as error:
            raise ApplyError(f"{twin} {op}: {_sentence(error)}") from error

    def pick(self, group: str, n: int) -> dict[str, str]:
        """The ``n``-th member (from 1) of a group of the organisation.

        Returns ``email``, ``first``, ``last`` and ``name``. Raises :class:`ApplyError`.
        """
        problem = "there is no twin with people"
        for state in self.twins.values():
            try:
                person = state.org.member(group, n)
            except KeyError as error:
                if state.org.people:
                    problem = _sentence(error)
                continue
            return {
                "email": person.email,
                "first": person.first,
                "last": person.last,
                "name": person.name,
            }
        raise ApplyError(problem)

    def env(self, twin: str, url: str) -> dict[str, str]:
        """The environment that leads a program to the twin at ``url`` (without a path)."""
        state = self.twins[twin]
        return state.pack.env(state, url.rstrip("/"))

    def _resolved(self, value: Any) -> Any:
        if isinstance(value, str):
            return _PICK.sub(lambda m: self.pick(m[1], int(m[2]))["email"], value)
        if isinstance(value, Mapping):
            return {key: self._resolved(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._resolved(item) for item in value]
        return value


def _sentence(error: Exception) -> str:
    text = str(error.args[0]) if error.args else type(error).__name__
    if isinstance(error, KeyError) and " " not in text:
        return f'"{text}" is missing or unknown'
    return text
