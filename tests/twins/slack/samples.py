"""Answers against the published response samples: no key that the sample does not have.

Samples were taken of particular things: a message with blocks, a public channel. What a
message, channel, user or file may have in one sample, it may have in every other.
"""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["compare", "compare_events"]

DOCUMENTED: dict[str, set[str]] = {
    "auth.revoke": {"revoked"},
    "chat.stopStream": {"channel", "message", "ts"},
    "dnd.info": {"snooze_enabled", "snooze_endtime", "snooze_is_indefinite", "snooze_remaining"},
    "openid.connect.userInfo": {"https://slack.com/team_image_default"},
    "team.externalTeams.disconnect": {"job_enqueued"},
    "workflows.featured.list": {"featured_workflows"},
}
"""Method to keys that its page of the reference has and its sample has not."""

FURTHER = {
    # The samples pin a file, and have columns without choices where tasks have subtasks.
    "pins.list /items[]/channel",
    "pins.list /items[]/message",
    "slackLists.create /list_metadata/subtask_schema[]/options/choices",
    "slackLists.items.info /list/list_metadata/subtask_schema[]/options/choices",
}
"""The same by method and place."""

_ID = re.compile(r"[A-Z][A-Z0-9]{7,}$")
EVERYWHERE = {"response_metadata", "warning", "error", "ok"}
_KINDS = {
    "message": ("chat.postMessage", "message"),
    "channel": ("conversations.info", "channel"),
    "user": ("users.info", "user"),
    "file": ("files.info", "file"),
}


def _load(folder: Path, method: str) -> Any:
    path = folder / f"{method}.json"
    return json.loads(path.read_text()) if path.exists() else None


def _merged(first: Any, second: Any) -> Any:
    """What either sample has."""
    if isinstance(first, dict) and isinstance(second, dict):
        return {
            key: _merged(first[key], second[key]) if key in first and key in second
            else first.get(key, second.get(key))
            for key in {**first, **second}
        }  # fmt: skip
    if isinstance(first, list) and isinstance(second, list):
        items = [*first, *second]
        total = items[0] if items else None
        for item in items[1:]:
            total = _merged(total, item)
        return [total] if items else []
    return first if first is not None else second


def compare(
    answers: dict[str, list[dict[str, Any]]], folder: Path, given: dict[str, Any] | None = None
) -> list[str]:
    """One line per key that no sample knows, and per value of another type.

    Args:
        answers: Bodies by method.
        folder: Where the samples are, one file per method.
        given: Samples that are not in the folder.
    """

    @cache
    def kind(name: str) -> Any:
        method, key = _KINDS[name]
        found = _load(folder, method)[key]
        if name == "message":
            for other, at in (("conversations.history", "messages"),
                              ("conversations.replies", "messages")):  # fmt: skip
                for item in _load(folder, other)[at]:
                    found = _merged(found, item)
        if name == "file":
            for other in ("files.remote.add", "files.remote.share"):
                found = _merged(found, _load(folder, other)["file"])
        if name == "channel":
            for item in _load(folder, "conversations.list")["channels"]:
                found = _merged(found, item)
        return found

    def known(value: dict[str, Any], sample: Any) -> Any:
        if {"type", "text", "user"} <= value.keys():
            return {**_merged(sample, kind("message")), "pinned_to": None, "pinned_info": None}
        if {"avatar_hash", "real_name_normalized"} <= value.keys():
            return _merged(sample, kind("user")["profile"])
        if {"id", "is_archived"} <= value.keys():
            return _merged(sample, kind("channel"))
        if {"mimetype", "filetype"} <= value.keys():
            return _merged(sample, kind("file"))
        return sample

    def look(value: Any, sample: Any, at: str, method: str = "") -> list[str]:
        if value is None or sample is None:
            return []
        if isinstance(value, dict) and isinstance(sample, dict):
            sample = known(value, sample)
            if not sample:
                return []
            found = []
            ids = at.endswith("/emoji") or any(_ID.match(key) for key in sample)
            for key, item in value.items():
                if item is None or (at == "" and key in EVERYWHERE):
                    continue
                if ids:
                    found += look(item, next(iter(sample.values())), f"{at}/*", method)
                elif key not in sample:
                    if f"{method} {at}/{key}" in FURTHER:
                        continue
                    found.append(f"{at}/{key}: not in the sample")
                else:
                    found += look(item, sample[key], f"{at}/{key}", method)
            return found
        if isinstance(value, list) and isinstance(sample, list):
            if not sample:
                return []
            whole = _merged(sample, [])[0]
            return [line for item in value for line in look(item, whole, f"{at}[]", method)]
        if at.endswith("/value"):  # of a cell: text, truth or number
            return []
        same = type(value) is type(sample) or (
            isinstance(value, int | float)
            and isinstance(sample, int | float)
            and not isinstance(value, bool)
        )
        return [] if same else [f"{at}: {type(value).__name__}, not {type(sample).__name__}"]

    problems: set[str] = set()
    for method, bodies in answers.items():
        sample = (given or {}).get(method) or _load(folder, method)
        if sample is None:
            continue
        sample = {**sample, **dict.fromkeys(DOCUMENTED.get(method, ()))}
        for body in bodies:
            problems |= {f"{method} {line}" for line in look(body, sample, "", method)}
    return sorted(problems)


@cache
def _event_sample(folder: Path, kind: str) -> Any:
    """The sample of an event; a message's is what any sampled message has."""
    if kind == "message":
        found: Any = {}
        for path in sorted(folder.glob("Message*Payload.json")):
            found = _merged(found, json.loads(path.read_text())["event"])
        return found
    name = "".join(part.capitalize() for part in kind.split("_"))
    path = folder / f"{name}Payload.json"
    return json.loads(path.read_text())["event"] if path.exists() else None


def compare_events(events: list[dict[str, Any]], folder: Path) -> list[str]:
    """One line per key of an event that no sample knows."""
    whole = folder.parent / "api"
    shown_events: dict[str, list[dict[str, Any]]] = {}
    samples: dict[str, Any] = {}
    for event in events:
        sample = _event_sample(folder, event["type"])
        if sample is None:
            continue
        more = {"event_ts": "", "cache_ts": 0, "channel_type": ""}
        shown = {key: value for key, value in event.items() if key in sample or key not in more}
        shown_events.setdefault(event["type"], []).append(shown)
        samples[event["type"]] = sample
    return compare(shown_events, whole, samples)
