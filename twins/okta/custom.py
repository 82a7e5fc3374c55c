"""Custom attributes of profile schemas: which there are, and whether a value fits one."""

from typing import Any

from factory_tui.universe import Row, Twin

from .fields import INVALID

__all__ = ["custom_attributes", "problem_of"]


def custom_attributes(twin: Twin, kind: str, key: str) -> Row:
    """The custom attributes of a schema: ``("group", "default")``, ``("user", "osc…")``."""
    row = twin["things"].get(("schemas", f"{kind}/{key}"))
    found: Row = row["fields"]["custom"] if row is not None else {}
    return found


def problem_of(attribute: Row, value: Any) -> str:
    """Why a value does not fit a custom attribute; "" if it does."""
    if value is None:
        return "The field cannot be left blank" if attribute.get("required") else ""
    kind = attribute["type"]
    if kind == "array":
        return "" if isinstance(value, list) else INVALID
    wanted: tuple[type, ...] = {
        "boolean": (bool,),
        "number": (int, float),
        "integer": (int,),
    }.get(kind, (str,))
    if not isinstance(value, wanted) or (isinstance(value, bool) and kind != "boolean"):
        return INVALID
    if isinstance(value, str):
        if len(value) < (attribute.get("minLength") or 0):
            return f"String is too short; the shortest is {attribute['minLength']}"
        longest = attribute.get("maxLength")
        if isinstance(longest, int) and len(value) > longest:
            return f"String is too long; the longest is {longest}"
    choices = attribute.get("enum")
    if isinstance(choices, list) and value not in choices:
        return "The value is not one of the choices"
    return ""
