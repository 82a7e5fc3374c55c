"""What a request body may hold, declared in one line per field, and the check of a body.

A declaration is text, one field per word::

    name:str! status:ACTIVE|INACTIVE=ACTIVE gateways:list? settings:dict isDefault:bool=false

``!`` the field is required, ``?`` it is shown as ``null`` when nobody gave it, ``=value`` what it
is when nobody gave it. Types are ``str``, ``int``, ``num``, ``bool``, ``list``, ``dict``, ``any``,
or the allowed words joined by ``|``; ``str(50)`` is text of at most 50 letters. A body's other
fields are dropped, as Okta does.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from factory_tui.universe import Call

from . import errors

__all__ = ["BLANK", "INVALID", "TOO_LONG", "Field", "checked", "declared"]

BLANK: Final = "The field cannot be left blank"
INVALID: Final = "The field has an invalid value"
TOO_LONG: Final = "The field is too long"
_LONGEST: Final = 4096

_KINDS: Final[dict[str, Callable[[Any], bool]]] = {
    "str": lambda value: isinstance(value, str) and len(value) <= _LONGEST,
    "text": lambda value: isinstance(value, str),
    "int": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "num": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "bool": lambda value: isinstance(value, bool),
    "list": lambda value: isinstance(value, list),
    "dict": lambda value: isinstance(value, dict),
    "any": lambda value: True,
}
_LITERALS: Final[dict[str, Any]] = {"true": True, "false": False, "null": None, "[]": [], "{}": {}}


@dataclass(frozen=True, slots=True)
class Field:
    """One declared field.

    Attributes:
        name: As in the body.
        kind: A type's name, or "" for an enumeration.
        words: The words an enumeration allows.
        required: Refused when absent.
        shown: Shown even if nobody gave it.
        default: Its value then.
        longest: How many letters a text may have, 0 for as many as any.
    """

    name: str
    kind: str
    words: tuple[str, ...]
    required: bool
    shown: bool
    default: str
    longest: int = 0

    def value(self) -> Any:
        """A fresh default."""
        if self.default in ("[]", "{}"):
            return [] if self.default == "[]" else {}
        if self.default in _LITERALS:
            return _LITERALS[self.default]
        if self.kind in ("int", "num") and self.default:
            return int(self.default)
        return self.default or None

    def holds(self, value: Any) -> bool:
        """Whether a given value is of the declared type."""
        if self.words:
            return isinstance(value, str) and value in self.words
        return _KINDS[self.kind](value)


@lru_cache(maxsize=256)
def declared(text: str) -> tuple[Field, ...]:
    """The fields of a declaration. Raises ``ValueError`` for one that cannot be read."""
    found = []
    for word in text.split():
        name, _, rest = word.partition(":")
        rest, equals, default = rest.partition("=")
        required, shown = rest.endswith("!"), rest.endswith("?")
        kind = rest.rstrip("!?")
        kind, _, longest = kind.rstrip(")").partition("(")
        words = tuple(kind.split("|")) if "|" in kind or kind.isupper() else ()
        if not words and kind not in _KINDS:
            raise ValueError(f"{word}: no such type")
        kind = "" if words else kind
        found.append(
            Field(name, kind, words, required, shown or bool(equals), default, int(longest or 0))
        )
    return tuple(found)


def checked(
    call: Call, body: dict[str, Any], fields: str, *, before: dict[str, Any] | None = None
) -> dict[str, Any]:
    """The declared fields of ``body``; refuses with E0000001 what does not hold.

    Args:
        call: The request.
        body: What was sent.
        fields: The declaration.
        before: The values so far, for a partial update; ``None`` when the body is the whole.
    """
    kept: dict[str, Any] = {}
    problems: list[tuple[str, str]] = []
    for field in declared(fields):
        value = body.get(field.name)
        if value is None or (field.required and isinstance(value, str) and not value.strip()):
            if before is not None and field.name not in body:
                if field.name in before:
                    kept[field.name] = before[field.name]
                continue
            if field.required:
                problems.append((field.name, BLANK))
            elif field.shown:
                kept[field.name] = field.value()
        elif field.longest and isinstance(value, str) and len(value) > field.longest:
            problems.append((field.name, TOO_LONG))
        elif field.holds(value):
            kept[field.name] = value
        else:
            problems.append((field.name, INVALID))
    if problems:
        causes = (f"{name}: {problem}" for name, problem in problems)
        raise errors.invalid(call, problems[0][0], *causes)
    return kept
