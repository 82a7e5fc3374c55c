"""Which fields may be set where: screens, field configurations, contexts of custom fields."""

from typing import Any, Final

from factory_tui.universe import Row

from .config import scheme_of
from .context import Context
from .customtypes import contexts_for
from .errors import bad_field
from .fields import FIELDS, fields_of

__all__ = [
    "applies",
    "config_item",
    "no_screen",
    "not_on_screen",
    "require_fields",
    "scheme_has_field",
    "scheme_item",
    "screen_fields",
    "settable",
]

ALWAYS: Final = ("project", "issuetype", "parent", "customfield_10014")
"""Fields that no screen is needed for."""

_PERMITTED: Final = {
    "reporter": "MODIFY_REPORTER",
    "assignee": "ASSIGN_ISSUES",
    "duedate": "SCHEDULE_ISSUES",
    "security": "SET_ISSUE_SECURITY",
}
"""Fields that not everybody who may edit an issue may set."""


def not_on_screen(name: str) -> Exception:
    """The error of a field that cannot be set here."""
    return bad_field(
        name, f"Field '{name}' cannot be set. It is not on the appropriate screen, or unknown."
    )


def screen_fields(c: Context, screen: str) -> list[str]:
    """The fields of a screen over all its tabs."""
    row = c["screens"].get(screen)
    return [name for tab in row["tabs"] for name in tab["fields"]] if row else []


def screen_for(c: Context, project: Row, kind: str, operation: str) -> str:
    """The screen on which issues of a type are created, edited or viewed."""
    schemes = c["typescreenschemes"].get(scheme_of(project, "screen_scheme"))
    if schemes is None:
        return ""
    mappings = schemes["mappings"]
    found = c["screenschemes"].get(mappings.get(kind, mappings["default"]))
    if found is None:
        return ""
    return str(found["screens"].get(operation) or found["screens"]["default"])


def config_item(c: Context, project: Row, kind: str, field: str) -> dict[str, Any]:
    """What the project's field scheme says of a field: hidden, required, description."""
    scheme = c["fieldschemes"].get(scheme_of(project, "field_scheme"))
    return {} if scheme is None else scheme_item(c, scheme, kind, field)


def scheme_item(c: Context, scheme: Row, kind: str, field: str) -> dict[str, Any]:
    """What a scheme says of a field on issues of a type, "" for a type without rules of its own.

    The configuration that the scheme maps the type to, unless the scheme itself says otherwise:
    a field may be taken out of it, be in it for some types only, and have other parameters.
    """
    mappings = scheme["mappings"]
    config = c["fieldconfigs"].get(mappings.get(kind, mappings["default"]))
    found: dict[str, Any] = config["items"].get(field, {}) if config else {}
    if field in scheme.get("removed", ()):
        return {**found, "hidden": True, "required": False}
    entry = scheme.get("fields", {}).get(field)
    if entry is None:
        return found
    found = {**found, **entry.get("parameters", {}), **entry.get("by_type", {}).get(kind, {})}
    if "types" in entry:  # put into the scheme by name, so that no configuration hides it
        found["hidden"] = bool(entry["types"] and kind and kind not in entry["types"])
    if found.get("hidden"):
        found["required"] = False
    return found


def scheme_has_field(c: Context, scheme: Row, field: str) -> bool:
    """Whether a field is in a scheme, for some type at least."""
    return not scheme_item(c, scheme, "", field).get("hidden")


def applies(c: Context, field: str, project: str, kind: str) -> bool:
    """Whether a field exists on issues of a type in a project: custom ones need a context."""
    if field in FIELDS:
        return True
    cached = c.cache.setdefault("applies", {})
    found: bool | None = cached.get((field, project, kind))
    if found is None:
        found = contexts_for(c, field, project, kind) is not None
        cached[field, project, kind] = found
    return found


def settable(c: Context, project: Row, kind: str, operation: str) -> list[str]:
    """The fields that may be set when an issue is created or edited, in the order of fields."""
    cached = c.cache.setdefault("settable", {})
    key = (project["id"], kind, operation)
    found: list[str] | None = cached.get(key)
    if found is None:
        on_screen = set(screen_fields(c, screen_for(c, project, kind, operation)))
        levels = scheme_of(project, "security_scheme")
        found = [
            field.id
            for field in fields_of(c).values()
            if field.settable
            and (field.id in on_screen or field.id in ALWAYS)
            and not (field.id == "security" and not levels)
            and (field.id not in _PERMITTED or c.may(_PERMITTED[field.id], project))
            and not config_item(c, project, kind, field.id).get("hidden")
            and applies(c, field.id, project["id"], kind)
        ]
        cached[key] = found
    return found


def no_screen(c: Context, issue: Row, names: list[str], allowed: list[str]) -> dict[str, str]:
    """Errors of fields that are not among the allowed ones."""
    errors: dict[str, str] = {}
    for name in names:
        if name not in allowed:
            errors[name] = (
                f"Field '{name}' cannot be set. It is not on the appropriate screen, or unknown."
            )
    return errors


def is_empty(issue: Row, field: str, c: Context) -> bool:
    """Whether an issue has nothing in a field."""
    found = fields_of(c).get(field)
    if field == "timetracking":
        return issue.get("estimate") is None
    return found is None or issue.get(found.stored) in (None, "", [])


def require_fields(c: Context, issue: Row, allowed: list[str]) -> dict[str, str]:
    """Errors of fields that the field configuration requires and the issue lacks."""
    project = c["projects"][issue["project"]]
    errors: dict[str, str] = {}
    for name in allowed:
        item = config_item(c, project, issue["type"], name)
        if item.get("required") and is_empty(issue, name, c):
            errors[name] = f"{fields_of(c)[name].name} is required."
    return errors
