"""slackLists.*: lists, who may see them, and their export."""

import csv
import io
from typing import Any, Final

from factory_tui.universe import UPPER, Row, Twin

from .audience import audience
from .block_check import Problems, each
from .block_rich import RICH_TEXT
from .errors import SlackError
from .list_columns import TODO, make_schema, plain, shown_column
from .method import Context, method
from .state import count, is_member

__all__ = ["columns_of", "csv_of", "items_of", "list_for", "list_shape"]

MAX_TITLE: Final = 255
_LEVELS: Final = ("read", "write", "owner")
_RICH_TEXTS: Final = each(RICH_TEXT)


def columns_of(row: Row) -> list[Row]:
    """A list's columns; those of tasks come last."""
    return [*row["schema"], *(TODO if row["todo_mode"] else ())]


def items_of(twin: Twin, key: str) -> list[Row]:
    """A list's items in the order of their making."""
    table = twin["list_items"]
    return sorted((table[at] for at in table.find("list", key)), key=lambda item: item["n"])


def list_for(c: Context, level: str = "read", *, argument: str = "list_id") -> Row:
    """The list a call names, if the caller may read it (or ``write``, or is its ``owner``)."""
    row = c["lists"].get(c.args.need(argument))
    if row is None:
        raise SlackError("list_not_found")
    held = "owner" if row["user"] == c.user else ""
    for key in c["access"].find("document", row["id"]):
        found = c["access"][key]
        mine = found["entity"] == c.user or is_member(c.twin, found["entity"], c.user)
        if mine and (not held or _LEVELS.index(found["level"]) > _LEVELS.index(held)):
            held = found["level"]
    if not held:
        raise SlackError("list_not_found")
    if _LEVELS.index(held) < _LEVELS.index(level):
        raise SlackError("restricted_action" if level == "owner" else "permission_denied")
    return row


def _description(c: Context) -> list[Any]:
    blocks = c.args.json("description_blocks", "invalid_arguments")
    if blocks is None:
        return []
    problems = Problems()
    _RICH_TEXTS(problems, blocks, "/description_blocks")
    if problems:
        raise SlackError("invalid_arguments", f"[ERROR] {problems[0]}")
    found: list[Any] = blocks
    return found


def _title(name: str) -> str:
    if len(name) > MAX_TITLE:
        raise SlackError("over_title_length_maximum")
    return name


@method("slackLists.create", "lists:write")
def create(c: Context) -> dict[str, Any]:
    """A list of one's own, empty or a copy."""
    name = _title(c.args.need("name"))
    schema = c.args.json("schema", "invalid_schema")
    todo = c.args.flag("todo_mode")
    description = _description(c)
    source: Row | None = None
    if "copy_from_list_id" in c.args:
        if schema is not None:
            raise SlackError("invalid_copy_and_schema_args")
        source = list_for(c, argument="copy_from_list_id")
        columns, todo = [dict(column) for column in source["schema"]], source["todo_mode"]
    elif c.args.flag("include_copied_list_records"):
        raise SlackError("missing_arg_copy_from_list_id")
    else:
        columns = make_schema(c, schema)
    key = c.twin.ids.mint("list", 10, prefix="F", alphabet=UPPER)
    row: Row = {
        "id": key,
        "n": count(c.twin, "n"),
        "name": name,
        "user": c.user,
        "created": c.now,
        "updated": c.now,
        "last_editor": c.user,
        "schema": columns,
        "todo_mode": todo,
        "description_blocks": description,
        "copied_from": source["id"] if source else "",
        "views": [
            c.twin.ids.mint("list view", 10, prefix="View", alphabet=UPPER)
            for _ in range(4 if todo else 2)
        ],
    }
    c["lists"].put(key, row)
    if source and c.args.flag("include_copied_list_records"):
        for item in items_of(c.twin, source["id"]):
            made = c.twin.ids.mint("list item", 10, prefix="Rec", alphabet=UPPER)
            fresh = {"id": made, "list_id": key, "n": count(c.twin, "n"), "parent": ""}
            c["list_items"].put((key, made), {**item, **fresh})
    shown = _metadata(row)
    parts = ("id", "name", "type", "is_locked", "position")
    views = [{name: view[name] for name in parts} for view in shown["views"]]
    told = {name: shown[name] for name in ("schema", "subtask_schema", "integrations")}
    return {"list_id": key, "list_metadata": {**told, "views": views}}


@method("slackLists.update", "lists:write")
def update(c: Context) -> dict[str, Any]:
    """Another name, description or mode."""
    row = list_for(c, "write", argument="id")
    changes: dict[str, Any] = {}
    if "name" in c.args:
        changes["name"] = _title(c.args.text("name"))
    if "description_blocks" in c.args:
        changes["description_blocks"] = _description(c)
    if "todo_mode" in c.args:
        changes["todo_mode"] = c.args.flag("todo_mode")
    if not changes:
        raise SlackError("missing_arguments")
    c["lists"].put(row["id"], {**row, **changes, "updated": c.now, "last_editor": c.user})
    return {}


def _metadata(row: Row) -> dict[str, Any]:
    columns = columns_of(row)
    schema = [shown_column(column) for column in columns]
    kinds = [("Record", "record", ""), ("All items", "table", "all_items")]
    if row["todo_mode"]:
        kinds += [
            ("Incomplete items", "table", "incomplete_items"),
            ("Completed items", "table", "completed_items"),
        ]
    views = []
    for n, ((name, kind, default), key) in enumerate(zip(kinds, row["views"], strict=False)):
        view: dict[str, Any] = {
            "id": key,
            "name": name,
            "type": kind,
            "is_locked": False,
            "position": str(row["created"] + n),
            "columns": [
                {
                    "visible": True,
                    "key": column["key"],
                    "id": column["id"],
                    "position": str(5_000_000_000 + at),
                }
                for at, column in enumerate(columns)
            ],
            "date_created": row["created"],
            "created_by": row["user"],
            "stick_column_left": False,
        }
        if default:
            view |= {
                "is_all_items_view": default == "all_items",
                "default_view_key": default,
                "show_completed_items": default != "incomplete_items",
            }
        views.append(view)
    return {
        "schema": schema,
        "views": views,
        "integrations": [],
        "icon": "",
        "description": plain(row["description_blocks"]),
        "description_blocks": row["description_blocks"],
        "is_trial": False,
        "subtask_schema": schema,
        "creation_source": {
            "type": "copy" if row["copied_from"] else "blank",
            **({"reference_id": row["copied_from"]} if row["copied_from"] else {}),
        },
        "todo_mode": row["todo_mode"],
        "default_view": "",
    }


def list_shape(c: Context, row: Row) -> dict[str, Any]:
    """A list as the file it is."""
    team = c.team
    rows = len(c["list_items"].find("list", row["id"]))
    base = f"{c.call.request.base_url}/files-pri/{team['id']}-{row['id']}"
    return {
        "id": row["id"],
        "created": row["created"],
        "timestamp": row["created"],
        "name": "list",
        "title": row["name"],
        "mimetype": "application/vnd.slack-list",
        "filetype": "list",
        "pretty_type": "List",
        "user": row["user"],
        "user_team": team["id"],
        "editable": True,
        "size": 0,
        "mode": "list",
        "is_external": False,
        "external_type": "",
        "is_public": False,
        "public_url_shared": False,
        "display_as_bot": False,
        "username": "",
        "list_metadata": _metadata(row),
        "list_limits": {
            "over_row_maximum": False,
            "row_count_limit": 5000,
            "row_count": rows,
            "archived_row_count": 0,
            "over_column_maximum": False,
            "column_count": len(row["schema"]),
            "column_count_limit": 30,
            "over_view_maximum": False,
            "view_count": len(row["views"]),
            "view_count_limit": 50,
            "max_attachments_per_cell": 10,
        },
        "url_private": f"{base}/list",
        "url_private_download": f"{base}/download/list",
        "permalink": f"https://{team['domain']}.slack.com/lists/{team['id']}/{row['id']}",
        "permalink_public": f"https://slack-files.com/{team['id']}-{row['id']}",
        "last_editor": row["last_editor"],
        "list_csv_download_url": f"{base}/csv/list",
        "updated": row["updated"],
        "is_starred": False,
        "channels": [],
        "groups": [],
        "ims": [],
        "access": "owner" if row["user"] == c.user else "write",
        "teams_shared_with": [],
        "is_restricted_sharing_enabled": False,
        "has_rich_preview": False,
        "file_access": "visible",
        "org_or_workspace_access": "none",
    }


# -- who may see it


def _entities(c: Context) -> list[str]:
    return audience(c, SlackError("invalid_parameters"))


@method("slackLists.access.set", "lists:write")
def set_access(c: Context) -> dict[str, Any]:
    """Let people or channels read or write, or hand the list over."""
    row = list_for(c, "owner")
    level = c.args.need("access_level")
    if level not in _LEVELS:
        message = "[ERROR] must be a valid enum value [json-pointer:/access_level]"
        raise SlackError("invalid_arguments", message)
    entities = _entities(c)
    if level == "owner":
        if c.args.items("channel_ids") or len(entities) != 1:
            raise SlackError("invalid_parameters")
        c["access"].put(
            (row["id"], row["user"]),
            {"document": row["id"], "entity": row["user"], "level": "write"},
        )
        c["lists"].put(row["id"], {**row, "user": entities[0]})
        return {}
    for entity in entities:
        found = {"document": row["id"], "entity": entity, "level": level}
        c["access"].put((row["id"], entity), found)
    return {}


@method("slackLists.access.delete", "lists:write")
def delete_access(c: Context) -> dict[str, Any]:
    """Let people or channels no longer see it."""
    row = list_for(c, "owner")
    for entity in _entities(c):
        c["access"].delete((row["id"], entity))
    return {}


# -- export


@method("slackLists.download.start", "lists:read")
def start_export(c: Context) -> dict[str, Any]:
    """Begin to write a list as CSV."""
    row = list_for(c)
    key = c.twin.ids.mint("job", 10, prefix="Le", alphabet=UPPER)
    c["jobs"].put(key, {"id": key, "list": row["id"], "user": c.user, "at": c.now})
    return {"job_id": key}


@method("slackLists.download.get", "lists:read")
def get_export(c: Context) -> dict[str, Any]:
    """Where the CSV is."""
    row = list_for(c)
    job = c["jobs"].get(c.args.need("job_id"))
    if job is None or job.get("list") != row["id"]:
        raise SlackError("job_not_found")
    url = list_shape(c, row)["list_csv_download_url"]
    team = c.team["id"]
    return {"status": "COMPLETED", "download_url": f"{url}?origin_team={team}"}


def csv_of(twin: Twin, key: str) -> bytes | None:
    """A list as CSV, or ``None`` for an unknown one."""
    row = twin["lists"].get(key)
    if row is None:
        return None
    columns = columns_of(row)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([column["name"] for column in columns])
    for item in items_of(twin, key):
        writer.writerow([plain(item["cells"].get(column["id"])) for column in columns])
    return text.getvalue().encode()
