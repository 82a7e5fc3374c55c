"""``fields`` and ``update`` of a request: what they change at once and what comes after."""

from collections.abc import Callable
from typing import Any

from factory_tui.universe import Row

from .comments import body_of
from .context import Context
from .createmeta import is_list
from .errors import JiraError, bad_field
from .fields import fields_of
from .links import link_from
from .screening import no_screen
from .setting import set_field
from .state import add_comment
from .visibility import sent_visibility
from .worklogs import log_work

__all__ = ["Later", "apply_changes", "put_properties"]

Later = Callable[[Row], Any]
"""Something to do with the stored issue: add a comment, log work, link."""

_BESIDES = ("comment", "worklog", "issuelinks", "attachment")


def apply_changes(
    c: Context, issue: Row, payload: dict[str, Any], allowed: list[str]
) -> list[Later]:
    """Set ``fields`` and ``update`` of a draft.

    Args:
        allowed: The fields on the screen.

    Returns:
        What is to be done when the draft is stored.
    """
    fields = payload.get("fields") or {}
    update = payload.get("update") or {}
    if not isinstance(fields, dict) or not isinstance(update, dict):
        raise JiraError(400, "Invalid request payload. Refer to the REST API documentation.")
    names = [*fields, *(name for name in update if name not in _BESIDES)]
    errors = no_screen(c, issue, names, allowed)
    for name in fields:
        if name in update:
            errors[name] = (
                f"Field '{name}' cannot appear in both 'fields' and 'update'. "
                "It must be in one or the other."
            )
    for name, value in fields.items():
        if name in errors:
            continue
        try:
            set_field(c, issue, name, value)
        except JiraError as error:
            if not error.errors:
                raise
            errors |= error.errors
    if errors:
        failure = JiraError(400)
        failure.errors = errors
        raise failure
    later = _update(c, issue, update)
    return later + put_properties(c, payload.get("properties"))


def put_properties(c: Context, given: Any) -> list[Later]:
    """``[{"key", "value"}]`` to be set beside the issue."""
    if given is None:
        return []
    if not isinstance(given, list) or not all(
        isinstance(item, dict) and isinstance(item.get("key"), str) for item in given
    ):
        raise JiraError(400, "Invalid request payload. Refer to the REST API documentation.")

    def put(issue: Row) -> None:
        entity = f"issue/{issue['id']}"
        for item in given:
            row = {"entity": entity, "key": item["key"], "value": item.get("value")}
            c["properties"].put((entity, item["key"]), row)

    return [put]


def _update(c: Context, issue: Row, update: dict[str, Any]) -> list[Later]:
    """Carry out ``{"labels": [{"add": "x"}], "comment": [{"add": {"body": …}}]}``."""
    later: list[Later] = []
    for name, verbs in update.items():
        if not isinstance(verbs, list) or not all(isinstance(verb, dict) for verb in verbs):
            raise bad_field(name, "data was not an array")
        for verb in verbs:
            for word, value in verb.items():
                if name in _BESIDES:
                    later.append(_beside(c, issue, name, word, value))
                else:
                    _change(c, issue, name, word, value)
    return later


def _beside(c: Context, issue: Row, name: str, word: str, value: Any) -> Later:
    if word != "add" or not isinstance(value, dict) or name == "attachment":
        raise bad_field(name, f"Field does not support operation '{word}'")
    if name == "comment":
        return _comment(c, issue, value)
    if name == "worklog":
        return lambda issue: log_work(c, issue, value)
    return lambda issue: link_from(c, issue, value)


def _comment(c: Context, issue: Row, value: dict[str, Any]) -> Later:
    body, limit = body_of(c, value), sent_visibility(c, issue, value)
    return lambda issue: add_comment(c, issue, body, limit)


def _change(c: Context, issue: Row, name: str, word: str, value: Any) -> None:
    if word == "set" or (word == "edit" and name == "timetracking"):
        set_field(c, issue, name, value)
        return
    if not is_list(c, name) or word not in ("add", "remove"):
        raise bad_field(name, f"Field does not support operation '{word}'")
    stored = fields_of(c)[name].stored
    before = list(issue.get(stored) or [])
    set_field(c, issue, name, [value])
    changed = issue[stored] or []
    if word == "remove":
        result = [item for item in before if item not in changed]
    elif fields_of(c)[name].items == "string":
        result = sorted({*before, *changed})
    else:
        result = before + [item for item in changed if item not in before]
    issue[stored] = (
        result if name in ("labels", "components", "fixVersions", "versions") else (result or None)
    )
