"""chat.startStream, appendStream and stopStream: replies that grow while a person reads."""

from typing import Any, Final

from factory_tui.universe import Row

from .blocks import MAX_MARKDOWN, check_blocks
from .chat import changes, content, destination, send
from .errors import SlackError
from .history import message_at
from .method import Context, method
from .shapes import message_shape
from .state import escape

_STATES: Final = ("pending", "in_progress", "complete", "error")


def _text(c: Context) -> str:
    text = c.args.text("markdown_text")
    if len(text) > MAX_MARKDOWN:
        raise SlackError("msg_too_long")
    return text


def _grown(c: Context, row: Row) -> Row:
    """The message with what a call adds: ``markdown_text``, or ``chunks`` of several kinds."""
    text = row["text"] + escape(_text(c))
    tasks = {task["task_id"]: task for task in row.get("tasks", ())}
    plan, blocks = row.get("plan", ""), list(row.get("extra", ()))
    chunks = c.args.json("chunks", "invalid_chunks")
    if chunks is not None and not isinstance(chunks, list):
        raise SlackError("invalid_chunks")
    for chunk in chunks or ():
        kind = chunk.get("type") if isinstance(chunk, dict) else None
        if kind == "markdown_text" and isinstance(chunk.get("text"), str):
            if len(chunk["text"]) > MAX_MARKDOWN:
                raise SlackError("msg_too_long")
            text += escape(chunk["text"])
        elif kind == "plan_update" and isinstance(chunk.get("title"), str):
            plan = chunk["title"]
        elif kind == "blocks" and isinstance(chunk.get("blocks"), list):
            check_blocks(chunk["blocks"])
            blocks += chunk["blocks"]
        elif kind == "task_update":
            task = _task(chunk, tasks.get(chunk.get("id", "")))
            tasks[task["task_id"]] = task
        else:
            raise SlackError("invalid_chunks")
    return {**row, "text": text, "tasks": list(tasks.values()), "plan": plan, "extra": blocks}


def _task(chunk: Row, known: Row | None) -> Row:
    if not isinstance(chunk.get("id"), str) or not chunk["id"]:
        raise SlackError("invalid_chunks")
    task = {"type": "task_card", **(known or {}), "task_id": chunk["id"]}
    for name in ("title", "status", "sources"):
        if name in chunk:
            task[name] = chunk[name]
    for name in ("details", "output"):
        if isinstance(chunk.get(name), str):
            words = [{"type": "text", "text": chunk[name]}]
            section = {"type": "rich_text_section", "elements": words}
            task[name] = {"type": "rich_text", "elements": [section]}
    if (
        not isinstance(task.get("title"), str)
        or task.setdefault("status", "pending") not in _STATES
    ):
        raise SlackError("invalid_chunks")
    return task


def _recipient(c: Context, channel: Row) -> None:
    """In a channel a stream has one reader, whom the call names."""
    if channel["kind"] == "im":
        return
    if "recipient_user_id" not in c.args:
        raise SlackError("missing_recipient_user_id")
    if "recipient_team_id" not in c.args:
        raise SlackError("missing_recipient_team_id")
    if c.args.text("recipient_user_id") not in c["users"]:
        raise SlackError("user_not_found")


@method("chat.startStream", "chat:write", kinds=("bot",))
def start(c: Context) -> dict[str, Any]:
    """Begin a reply in a thread that will grow."""
    channel = destination(c)
    c.args.need("thread_ts", "invalid_thread_ts")
    _recipient(c, channel)
    mode = c.args.text("task_display_mode", "timeline")
    if mode not in ("timeline", "plan"):
        message = "[ERROR] must be a valid enum value [json-pointer:/task_display_mode]"
        raise SlackError("invalid_arguments", message)
    fresh = _grown(c, {"text": ""})
    row = send(c, channel, {**fresh, "streaming": True, "mode": mode})
    return {"channel": channel["id"], "ts": row["ts"]}


def _streaming(c: Context) -> tuple[Row, Row]:
    channel = destination(c)
    row = message_at(c, channel["id"], c.args.need("ts", "message_not_found"))
    if row["user"] != c.user:
        raise SlackError("message_not_owned_by_app")
    if not row.get("streaming"):
        raise SlackError("message_not_in_streaming_state")
    return channel, row


@method("chat.appendStream", "chat:write", kinds=("bot",))
def append(c: Context) -> dict[str, Any]:
    """Let it grow."""
    channel, row = _streaming(c)
    if "markdown_text" not in c.args and not c.args.json("chunks", "invalid_chunks"):
        raise SlackError("no_text")
    c["messages"].put((channel["id"], row["ts"]), _grown(c, row))
    return {"channel": channel["id"], "ts": row["ts"]}


@method("chat.stopStream", "chat:write", kinds=("bot",))
def stop(c: Context) -> dict[str, Any]:
    """The message is complete."""
    channel, row = _streaming(c)
    grown = _grown(c, row)
    hidden = ("streaming", "tasks", "plan", "extra", "mode")
    done = {key: value for key, value in grown.items() if key not in hidden}
    blocks: list[Any] = []
    if grown["tasks"] and grown.get("mode") == "plan":
        blocks.append({"type": "plan", "title": grown["plan"] or "Plan", "tasks": grown["tasks"]})
    else:
        blocks += grown["tasks"]
    blocks += grown["extra"]
    if "blocks" in c.args or "metadata" in c.args:
        said = content(c) if "blocks" in c.args else {}
        blocks += said.get("blocks", [])
        if "metadata" in said:
            done["metadata"] = said["metadata"]
    if blocks:
        done["blocks"] = [
            block if block.get("block_id") else {**block, "block_id": c.twin.ids.mint("block", 5)}
            for block in blocks
        ]
    before = message_shape(c, row)
    c["messages"].put((channel["id"], row["ts"]), done)
    changes(c, channel, before, message_shape(c, done))
    return {"channel": channel["id"], "ts": row["ts"], "message": message_shape(c, done)}
