"""A trajectory as text for a model: quoted as data, bounded, and the same bytes every time.

What a product prints is hostile: every line of it stands behind a mark, so that it cannot end
the quotation or speak as the harness. What differs between two equal performances (ports,
process ids, addresses, measured durations, the host's time) is replaced, so that an equal
trajectory gives an equal prompt and an equal hash.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

__all__ = ["QUOTE", "bounded", "quoted", "render", "steady"]

QUOTE: Final = "| "
"""What every line of quoted data begins with."""

_OUTPUT_CHARS: Final = 6_000
_BODY_CHARS: Final = 3_000
_CALLS_SHOWN: Final = 60
_TOTAL_CHARS: Final = 60_000

_STEADY: Final = (
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?"), "<time>"),
    (re.compile(r"(?<![\w.])\d\d:\d\d:\d\d(?:[.,]\d+)?(?![\w.])"), "<time>"),
    (re.compile(r"\b(127\.0\.0\.1|localhost):\d{1,5}\b"), r"\1:<port>"),
    (re.compile(r"\bpid([ =:]+)\d+", re.IGNORECASE), r"pid\1<pid>"),
    (re.compile(r"\b0x[0-9a-f]{6,16}\b"), "<address>"),
    (re.compile(r"(?<![\w.])\d+\.\d+ ?(s|sec|seconds|ms)\b"), r"<duration> \1"),
    (re.compile(r"(?<![\w.])\d+ ?(ms|milliseconds)\b"), r"<duration> \1"),
)
_CONTROL: Final = re.compile(
    r"[^\n\t\x20-\x7e\u00a0-\u200a\u2010-\u2027\u2030-\u2065\u2070-\uffff"
    r"\U00010000-\U0010ffff]"
)


def steady(text: str) -> str:
    """The text without what changes from one equal performance to the next."""
    for pattern, replacement in _STEADY:
        text = pattern.sub(replacement, text)
    return text


def bounded(text: str, limit: int) -> str:
    """At most ``limit`` characters: the head and the tail, and how much is left out."""
    if len(text) <= limit:
        return text
    head = limit * 2 // 3
    tail = limit - head
    return f"{text[:head]}\n[… {len(text) - limit} characters left out …]\n{text[-tail:]}"


def quoted(text: str, limit: int = _OUTPUT_CHARS) -> str:
    """Data behind the quotation mark, line by line."""
    clean = _CONTROL.sub("\ufffd", steady(text.replace("\r\n", "\n").replace("\r", "\n")))
    lines = bounded(clean, limit).rstrip("\n").split("\n")
    return "\n".join(QUOTE + line for line in lines)


def render(trajectory: Sequence[Mapping[str, Any]], *, calls: bool = True) -> str:
    """Everything observed, step by step.

    Args:
        trajectory: entries ``{kind, who, step, text, data}`` in order.
        calls: whether the twins' traffic is shown (a simulated user does not see it).
    """
    blocks: list[str] = []
    step: object = None
    pending: list[Mapping[str, Any]] = []

    def flush() -> None:
        if pending and calls:
            blocks.append(_calls(pending))
        pending.clear()

    for entry in trajectory:
        if entry.get("step") != step:
            flush()
            step = entry.get("step")
            blocks.append(f"## Step {step}" if step else "## Before the first step")
        if entry.get("kind") == "call":
            pending.append(entry)
            continue
        ran = entry.get("kind") == "run"  # its calls were noted before its end
        if not ran:
            flush()
        block = _entry(entry)
        if block:
            blocks.append(block)
        if ran:
            flush()
    flush()
    return bounded("\n".join(blocks), _TOTAL_CHARS) if blocks else "(nothing was observed)"


def _entry(entry: Mapping[str, Any]) -> str:
    kind, text = str(entry.get("kind", "")), str(entry.get("text", ""))
    data = entry.get("data") or {}
    if kind == "run":
        lines = ["The command", quoted(text, 1_000)]
        if data.get("killed"):
            lines.append(f"was stopped by the harness ({quoted(str(data['killed']), 60)[2:]}).")
        else:
            lines.append(f"ended with exit code {data.get('exit')}.")
        for stream in ("stdout", "stderr"):
            if data.get(stream):
                lines += [f"It printed ({stream}):", quoted(str(data[stream]))]
        if not data.get("stdout") and not data.get("stderr"):
            lines.append("It printed nothing.")
        return "\n".join(lines)
    if kind in ("start", "stop"):
        return _service(kind, text, data)
    if kind == "event":
        lines = [f"{entry.get('who')} told the program of {data.get('operation')}:"]
        lines.append(quoted(str(data.get("request") or ""), _BODY_CHARS))
        lines.append(f"The program answered with status {data.get('status') or 'nothing'}.")
        return "\n".join(lines)
    if kind in ("fact", "judge"):
        return ""  # given apart, or not the judge's to see
    said = {
        "user": "The user:",
        "clock": "The clock moved:",
        "wait": "The clock moved:",
        "write": "A file was written:",
        "twin": "Somebody changed the service:",
    }.get(kind, "Note:")
    return f"{said}\n{quoted(text, 2_000)}"


def _service(kind: str, text: str, data: Mapping[str, Any]) -> str:
    """A program that keeps running: how it started, or how it ended and what it printed."""
    if kind == "start":
        said = "listens" if data.get("listens") else "does not listen for connections"
        return f"The service\n{quoted(text, 1_000)}\nwas started and {said}."
    ended = (
        f"ended by itself with exit code {data.get('exit')}."
        if data.get("by_itself")
        else "was stopped by the harness."
    )
    lines = ["The service", quoted(text, 1_000), ended]
    for stream in ("stdout", "stderr"):
        if data.get(stream):
            lines += [f"It printed ({stream}):", quoted(str(data[stream]))]
    return "\n".join(lines)


def _calls(entries: Iterable[Mapping[str, Any]]) -> str:
    """The traffic of one command; equal calls in a row become one line."""
    lines: list[str] = []
    repeats: list[int] = []
    for entry in entries:
        data = entry.get("data") or {}
        status = data.get("status")
        line = f"{entry.get('who')} {data.get('operation') or ''} {entry.get('text')} -> {status}"
        if data.get("fault"):
            line += f" (injected fault: {data['fault']})"
        body = str(data.get("request") or "")
        if body and not str(entry.get("text", "")).startswith("GET"):
            line += f" sent {bounded(body, _BODY_CHARS)}"
        line = " ".join(line.split())
        if lines and lines[-1] == line:
            repeats[-1] += 1
        else:
            lines.append(line)
            repeats.append(1)
    shown = [f"{x} (x{n})" if n > 1 else x for x, n in zip(lines, repeats, strict=True)]
    if len(shown) > _CALLS_SHOWN:
        half = _CALLS_SHOWN // 2
        left = len(shown) - 2 * half
        shown = [*shown[:half], f"[… {left} more calls …]", *shown[-half:]]
    return "The services were called:\n" + quoted("\n".join(shown), 12_000)
