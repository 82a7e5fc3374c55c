"""How a scenario changes the twins: the operations that exist and what they take.

Written in the front matter as ``okta: {add_users: [...]}`` and in a step as
``1. okta: remove_from_group {group: a, users: [...]}``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from factory_tui.scenarios.problems import Problems, nearest
from factory_tui.scenarios.yamlmarks import Tree, read_yaml

__all__ = ["OPERATIONS", "declared_names", "lint_operation", "operation_problem", "usage"]


@dataclass(frozen=True, slots=True)
class _Takes:
    """The arguments of an operation: ``many`` mappings or one; no keys at all means people."""

    keys: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()
    many: bool = False


def _one(required: str, optional: str = "") -> _Takes:
    needed = frozenset(required.split())
    return _Takes(needed | frozenset(optional.split()), needed)


def _each(required: str, optional: str = "") -> _Takes:
    needed = frozenset(required.split())
    return _Takes(needed | frozenset(optional.split()), needed, many=True)


_PEOPLE: Final = _Takes()
_WORDS: Final = _Takes(many=True)

OPERATIONS: Final = {
    "okta": {
        "add_users": _each("first last", "as email groups status"),
        "remove_users": _PEOPLE,
        "deactivate_users": _PEOPLE,
        "suspend_users": _PEOPLE,
        "add_groups": _each("name", "as members"),
        "set_group": _one("name members"),
        "add_to_group": _one("group users"),
        "remove_from_group": _one("group users"),
        "add_devices": _each("name", "as platform users status profile"),
        "add_tokens": _each("name user", "as"),
        "add_agent_pools": _each("name", "as type agents"),
        "add_grants": _each("user app", "as scopes server issuer"),
        "add_support_cases": _each("subject", "as selfAssigned"),
        "answer_push": _one("users answer"),
        "buy_features": _WORDS,
        "scan_push": _PEOPLE,
    },
    "slack": {
        "add_users": _each("first last email", "as"),
        "remove_users": _PEOPLE,
        "deactivate_users": _PEOPLE,
        "add_channels": _each("name", "as private members bot"),
        "set_channel": _one("name members"),
        "add_to_channel": _one("channel users"),
        "remove_from_channel": _one("channel users"),
        "archive_channel": _one("name"),
        "post_message": _one("channel user text"),
        "set_token": _one("", "scopes revoked"),
        "add_token": _one("scopes", "user"),
        "configure_app": _one(
            "",
            "app url request_url interactivity_url options_url events user_events commands "
            "shortcuts socket_mode redirect_urls unfurl_domains scopes token_rotation verify",
        ),
        "add_webhook": _one("", "channel as revoke"),
        "say": _one("user text", "channel thread_ts"),
        "react": _one("user name", "channel ts remove"),
        "edit_message": _one("user text", "channel ts"),
        "delete_message": _one("user", "channel ts"),
        "slash_command": _one("user command", "channel text"),
        "click": _one("user action", "value channel ts view ephemeral"),
        "suggest": _one("user action value", "view channel ts"),
        "shortcut": _one("user callback_id", "channel ts"),
        "submit_view": _one("user", "values"),
        "close_view": _one("user", "all"),
        "open_home": _one("user"),
        "open_assistant": _one("user", "channel"),
        "open_entity": _one("user url", "channel external_ref"),
        "submit_dialog": _one("user", "values channel"),
        "cancel_dialog": _one("user", "channel"),
        "reject_call": _one("user call", "channel"),
        "run_function": _one("callback_id", "inputs"),
        "request_invite": _one("user email", "name reason"),
        "connect_invite": _one("channel", "team user"),
        "connect_accept": _one("invite", "team"),
        "connect_request": _one("user channel email", "message"),
        "disconnect_socket": _one("", "reason app"),
    },
    "jira": {
        "add_projects": _each("key name", "as"),
        "add_issues": _each("project summary", "as description labels status"),
        "transition": _one("key to"),
        "add_comment": _one("key text", "author"),
        "add_users": _each("first last email", "as"),
        "deactivate_users": _PEOPLE,
        "limit_access": _one("project access"),
        "add_boards": _each("project", "as name type"),
        "add_sprints": _each("name board", "as state start end goal issues"),
    },
}
"""Twin → operation → what it takes."""


def declared_names(args: Tree) -> set[str]:
    """The names that ``as:`` gives to what an operation makes."""
    entries = args.elements if args.kind == "list" else (args,)
    found = (entry.get("as") for entry in entries if entry.kind == "map")
    return {str(tree.value) for tree in found if tree is not None}


def lint_operation(twin: str, op: str, args: Tree, problems: Problems) -> None:
    """Note what is wrong with one operation. Twins of an engineer's own are not known here."""
    if twin not in OPERATIONS:
        return
    takes = OPERATIONS[twin].get(op)
    if takes is None:
        said = f"`{twin}` has no operation `{op}`"
        problems.error(args.line, args.column, said, nearest(op, OPERATIONS[twin]))
        return
    for line, column, message, hint in _doubts(op, takes, args):
        problems.error(line, column, message, hint)


def _doubts(op: str, takes: _Takes, args: Tree) -> Iterator[tuple[int, int, str, str]]:
    if takes is _PEOPLE:
        if args.kind != "list" or not all(isinstance(v, str) for v in args.value):
            hint = f'for example `{op}: ["{{{{new.email}}}}", "any:eng-platform:1"]`'
            yield args.line, args.column, f"`{op}` takes a list of people", hint
        return
    if takes is _WORDS:
        if args.kind != "list" or not all(isinstance(v, str) for v in args.value):
            yield args.line, args.column, f"`{op}` takes a list of names", ""
        return
    if takes.many and args.kind != "list":
        yield args.line, args.column, f"`{op}` takes a list", f"for example `{op}: [{{…}}]`"
        return
    for entry in args.elements if takes.many else (args,):
        if entry.kind != "map":
            needed = ", ".join(sorted(takes.required))
            yield entry.line, entry.column, f"`{op}` takes {{{needed}}}", ""
            continue
        for item in entry.items:
            if item.key not in takes.keys:
                said = f"unknown key `{item.key}` in `{op}`"
                yield item.line, item.column, said, nearest(item.key, takes.keys)
        for key in sorted(takes.required - {i.key for i in entry.items}):
            yield entry.line, entry.column, f"`{op}` needs `{key}`", ""


def operation_problem(twin: str, op: str, args: Any) -> str:
    """What is wrong with an operation that stands in no scenario, "" if nothing; args are JSON."""
    problems = Problems(Path())
    tree = read_yaml(json.dumps(args))
    lint_operation(twin, op, tree or Tree("map", {}, 1, 1), problems)
    if not problems.found:
        return ""
    first = problems.found[0]
    return f"{first.message}; {first.hint}" if first.hint else first.message


def usage(twin: str, op: str) -> str:
    """An operation in one line, what may be left out in brackets: ``react user name [ts]``."""
    takes = OPERATIONS[twin][op]
    if takes is _PEOPLE or takes is _WORDS:
        return f"{op} [NAME, …]"
    may = " ".join(sorted(takes.keys - takes.required))
    needs = " ".join([*sorted(takes.required), *([f"[{may}]"] if may else [])])
    return f"{op} [{{{needs}}}, …]" if takes.many else f"{op} {needs}"
