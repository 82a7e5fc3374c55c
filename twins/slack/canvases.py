"""canvases.*: documents of Markdown sections, alone or in a channel; who may see them."""

import re
from html import escape
from typing import Any, Final

from factory_tui.universe import HEX, UPPER, Row

from .audience import audience
from .conversations import channel_for
from .errors import SlackError
from .method import Context, method
from .state import is_member

_HEADING = re.compile(r"(#{1,3})\s")
_OPERATIONS: Final = (
    "delete",
    "insert_after",
    "insert_at_end",
    "insert_at_start",
    "insert_before",
    "rename",
    "replace",
)
_LEVELS: Final = ("read", "write", "owner")


def _sections(c: Context, content: Any) -> list[dict[str, str]]:
    """A document as its sections: one per block of Markdown."""
    if content is None:
        return []
    if not isinstance(content, dict) or content.get("type") != "markdown":
        raise SlackError("invalid_arguments", "[ERROR] must be one of: markdown")
    text = content.get("markdown")
    if not isinstance(text, str):
        raise SlackError("invalid_arguments", "[ERROR] missing required field: markdown")
    return [
        {"id": c.twin.ids.mint("section", 24, prefix="temp:C:", alphabet=HEX), "text": part}
        for part in re.split(r"\n\s*\n", text.strip())
        if part
    ]


def _canvas(c: Context, *levels: str) -> Row:
    row = c["canvases"].get(c.args.need("canvas_id"))
    if row is None:
        raise SlackError("canvas_not_found")
    if row["user"] == c.user:
        return row
    entities = [c.user]
    if row["channel"] and is_member(c.twin, row["channel"], c.user):
        return row
    for key in c["access"].find("document", row["id"]):
        found = c["access"][key]
        if (found["entity"] in entities or is_member(c.twin, found["entity"], c.user)) and (
            not levels or found["level"] in levels
        ):
            return row
    raise SlackError("canvas_not_found")


def _create(c: Context, channel: str) -> dict[str, Any]:
    key = c.twin.ids.mint("canvas", 10, prefix="F", alphabet=UPPER)
    row = {
        "id": key,
        "title": c.args.text("title"),
        "channel": channel,
        "user": c.user,
        "created": c.now,
        "sections": _sections(c, c.args.json("document_content", "invalid_arguments")),
    }
    c["canvases"].put(key, row)
    return {"canvas_id": key}


@method("canvases.create", "canvases:write")
def create(c: Context) -> dict[str, Any]:
    """A canvas of one's own."""
    channel = channel_for(c, argument="channel_id")["id"] if "channel_id" in c.args else ""
    return _create(c, channel)


@method("conversations.canvases.create", "canvases:write")
def create_in_channel(c: Context) -> dict[str, Any]:
    """The canvas of a channel, of which there is one."""
    channel = channel_for(c, argument="channel_id")
    if not is_member(c.twin, channel["id"], c.user):
        raise SlackError("not_in_channel")
    if any(row["channel"] == channel["id"] for row in c["canvases"].rows()):
        raise SlackError("channel_canvas_already_exists")
    return _create(c, channel["id"])


@method("canvases.delete", "canvases:write")
def delete(c: Context) -> dict[str, Any]:
    """The canvas is gone."""
    row = _canvas(c, "owner")
    for key in c["access"].find("document", row["id"]):
        c["access"].delete(key)
    c["canvases"].delete(row["id"])
    return {}


@method("canvases.edit", "canvases:write")
def edit(c: Context) -> dict[str, Any]:
    """One change, as Slack allows one per call."""
    row = _canvas(c, "write", "owner")
    changes = c.args.json("changes", "invalid_arguments")
    if not isinstance(changes, list) or len(changes) != 1 or not isinstance(changes[0], dict):
        raise SlackError("invalid_arguments", "[ERROR] exactly 1 item [json-pointer:/changes]")
    change = changes[0]
    what = change.get("operation")
    if what not in _OPERATIONS:
        raise SlackError("invalid_arguments", "[ERROR] unsupported operation")
    if what == "rename":
        title = change.get("title_content")
        words = title.get("markdown") if isinstance(title, dict) else None
        if not isinstance(words, str):
            raise SlackError("invalid_arguments", "[ERROR] missing required field: title_content")
        c["canvases"].put(row["id"], {**row, "title": words})
        return {}
    sections = list(row["sections"])
    named = change.get("section_id")
    at = next((n for n, item in enumerate(sections) if item["id"] == named), None)
    if named and at is None:
        raise SlackError("section_not_found")
    needs = what in ("delete", "insert_after", "insert_before")
    if needs and at is None:
        raise SlackError("invalid_arguments", "[ERROR] missing required field: section_id")
    if what != "delete" and "document_content" not in change:
        raise SlackError("invalid_arguments", "[ERROR] missing required field: document_content")
    fresh = _sections(c, change.get("document_content")) if what != "delete" else []
    start, end = 0, 0
    if what == "insert_at_end":
        start = end = len(sections)
    elif what == "replace" and at is None:
        end = len(sections)
    elif at is not None:
        start = at + (what == "insert_after")
        end = start + (what in ("delete", "replace"))
    sections[start:end] = fresh
    c["canvases"].put(row["id"], {**row, "sections": sections})
    return {}


@method("canvases.sections.lookup", "canvases:read")
def lookup(c: Context) -> dict[str, Any]:
    """Ids of sections by kind of heading and text."""
    row = _canvas(c)
    criteria = c.args.json("criteria", "invalid_arguments")
    if not isinstance(criteria, dict) or not criteria:
        raise SlackError("invalid_arguments", "[ERROR] missing required field: criteria")
    kinds = criteria.get("section_types", [])
    text = criteria.get("contains_text", "")
    if not isinstance(kinds, list) or not isinstance(text, str):
        raise SlackError("invalid_arguments", "[ERROR] must be an array [json-pointer:/criteria]")
    found = []
    for item in row["sections"]:
        heading = _HEADING.match(item["text"])
        kind = f"h{len(heading[1])}" if heading else ""
        fits = not kinds or kind in kinds or (kind and "any_header" in kinds)
        if fits and text.lower() in item["text"].lower():
            found.append({"id": item["id"]})
    return {"sections": found}


@method("canvases.getContent", "canvases:read")
def content_of(c: Context) -> dict[str, Any]:
    """What a canvas says, as Markdown or as plain HTML."""
    row = _canvas(c)
    kind = c.args.text("content_type", "markdown")
    if kind not in ("markdown", "html"):
        message = "[ERROR] must be a valid enum value [json-pointer:/content_type]"
        raise SlackError("invalid_arguments", message)
    if kind == "markdown":
        return {"content": "\n\n".join(item["text"] for item in row["sections"])}
    return {"content": "".join(_html(item["text"]) for item in row["sections"])}


def _html(text: str) -> str:
    heading = _HEADING.match(text)
    if heading:
        level = len(heading[1])
        return f"<h{level}>{escape(text[heading.end() :])}</h{level}>"
    return f"<p>{escape(text)}</p>"


def _entities(c: Context) -> list[str]:
    message = "[ERROR] exactly one of channel_ids and user_ids is needed"
    return audience(c, SlackError("invalid_arguments", message))


@method("canvases.access.set", "canvases:write")
def set_access(c: Context) -> dict[str, Any]:
    """Let people or channels read or write."""
    row = _canvas(c, "owner")
    level = c.args.need("access_level")
    if level not in _LEVELS:
        raise SlackError("invalid_access_level")
    if level == "owner" and c.args.items("channel_ids"):
        raise SlackError("invalid_access_level")
    for entity in _entities(c):
        c["access"].put(
            (row["id"], entity), {"document": row["id"], "entity": entity, "level": level}
        )
    return {}


@method("canvases.access.delete", "canvases:write")
def delete_access(c: Context) -> dict[str, Any]:
    """Let people or channels no longer see it."""
    row = _canvas(c, "owner")
    for entity in _entities(c):
        c["access"].delete((row["id"], entity))
    return {}
