"""``{{name.field}}``: how a scenario speaks of people that every trial names differently."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["BindError", "Binding", "references"]

_REFERENCE = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")


class BindError(KeyError):
    """A text refers to something the trial does not have."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else "unknown reference"


def references(text: str) -> list[tuple[str, int]]:
    """Every reference in a text as ``(name or name.field, offset)``, in order."""
    return [(m[1], m.start()) for m in _REFERENCE.finditer(text)]


class Binding:
    """Replaces references by what one trial calls them.

    Args:
        entities: ``{"new": {"email": …}, "sut": "/app/tool"}``: text, or fields of text.
    """

    def __init__(self, entities: Mapping[str, Any]) -> None:
        self._entities = entities

    def __call__(self, text: str) -> str:
        """The text with every reference resolved.

        Raises:
            BindError: a name or field is unknown; the sentence says which.
        """
        return _REFERENCE.sub(lambda m: self.value(m[1]), text)

    def value(self, reference: str) -> str:
        """What one ``name`` or ``name.field`` stands for, as text.

        Raises:
            BindError: it is unknown.
        """
        name, _, field = reference.partition(".")
        if name not in self._entities:
            raise BindError(f"nothing is called `{name}` in this trial")
        found = self._entities[name]
        for part in field.split(".") if field else ():
            if not isinstance(found, Mapping) or part not in found:
                raise BindError(f"`{name}` has no field `{field}`")
            found = found[part]
        if isinstance(found, (Mapping, list)):
            raise BindError(f"`{reference}` needs a field, such as `{name}.email`")
        return str(found)
