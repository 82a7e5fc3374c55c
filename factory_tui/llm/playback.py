"""A model server that plays a recording back.

It speaks the Messages API on loopback, so the SDK, the streaming, the ledger and the tools that
use it run for real; only the model's words are recorded. Which answer a request gets is decided
by its ``x-factory-key`` header, and for judges and simulated users also by what they are asked:
a recorded opinion counts only for exactly what it was given about. Anything else is answered
with 404 ``playback_miss``.

Run it alone with ``python -m factory_tui.llm.playback --recording FILE --port-file FILE``.
"""

import argparse
import asyncio
import contextlib
import os
import stat
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from factory_tui.llm.recording import KEY_HEADER, Answer, Recording, RecordingError, request_hash
from factory_tui.llm.serving import Call, LoopbackServer, Reply, estimate_tokens, message_events

__all__ = ["Pacing", "PlaybackServer"]

_LONGEST_S = 3.0


class Pacing:
    """How long answers take: recorded durations times ``pace``, within bounds.

    No answer takes longer than three seconds, and all of them one after the other no longer
    than ``within_s``. Pace 0 answers at once.
    """

    def __init__(self, recording: Recording, pace: float, within_s: float = 75.0) -> None:
        self._pace = pace
        total = sum(self._bounded(answer) for answer in recording.answers)
        self._factor = min(1.0, within_s / total) if total else 1.0

    def seconds(self, answer: Answer) -> float:
        """How long this answer is to take."""
        return self._bounded(answer) * self._factor

    def _bounded(self, answer: Answer) -> float:
        return min(answer.ms / 1000 * self._pace, _LONGEST_S)


class PlaybackServer:
    """Plays one recording; ``answered`` counts by role, ``missed`` lists (key, reason)."""

    def __init__(self, recording: Recording | Path, *, pace: float = 0.0) -> None:
        if isinstance(recording, Path):
            recording = Recording.load(recording)
        self._recording = recording
        self._pacing = Pacing(recording, pace)
        self._server = LoopbackServer(self._handle)
        self.answered: Counter[str] = Counter()
        self.missed: list[tuple[str, str]] = []

    async def start(self) -> str:
        """Listen on a free port of 127.0.0.1; returns the base URL."""
        return await self._server.start()

    async def aclose(self) -> None:
        """Stop."""
        await self._server.aclose()

    async def __aenter__(self) -> "PlaybackServer":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def _handle(self, call: Call, reply: Reply) -> None:
        if call.method == "GET" and call.path == "/v1/models":
            await reply.json(_MODELS)
            return
        if call.method != "POST" or call.path not in _PATHS:
            await reply.error(404, "not_found_error", f"{call.method} {call.path}")
            return
        try:
            body = call.json()
            messages, schema = list(body["messages"]), _schema(body)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            await reply.error(400, "invalid_request_error", f"not a request: {error!r}")
            return
        key = unquote(call.headers.get(KEY_HEADER, ""))
        asked = request_hash(body.get("system") or "", messages, schema)
        answer = self._recording.find(key, asked)
        if call.path == "/v1/messages/count_tokens":
            await reply.json({"input_tokens": _prompt_tokens(body, answer)})
        elif answer is None:
            reason = self._why(key)
            self.missed.append((key, reason))
            await reply.error(404, "playback_miss", f"{key!r}: {reason}")
        else:
            self.answered[answer.role] += 1
            await self._play(answer, body, reply)

    def _why(self, key: str) -> str:
        known = any(answer.key == key for answer in self._recording.answers)
        return "was asked something else when recorded" if known else "is not in the recording"

    async def _play(self, answer: Answer, body: Mapping[str, Any], reply: Reply) -> None:
        limit = body.get("max_tokens")
        output = answer.usage.get("output_tokens", 0)
        usage = {
            **answer.usage,
            "output_tokens": min(output, limit) if isinstance(limit, int) else output,
            "estimated": True,
        }
        message: dict[str, Any] = {
            "id": f"msg_{reply.request_id.removeprefix('req_')}",
            "model": str(body.get("model") or "recorded"),
            "content": answer.content,
            "stop_reason": answer.stop_reason,
            "usage": usage,
        }
        if not body.get("stream"):
            await reply.json(message | {"type": "message", "role": "assistant"})
            return
        events = list(message_events(**message))
        pause = self._pacing.seconds(answer) / len(events)
        await reply.begin()
        for name, data in events:
            await reply.event(name, data)
            if pause:
                await asyncio.sleep(pause)
        await reply.end()


_PATHS = ("/v1/messages", "/v1/messages/count_tokens")
_MODELS = {
    "data": [
        {
            "type": "model",
            "id": "recorded",
            "display_name": "A recorded model session",
            "created_at": "2026-01-01T00:00:00Z",
        }
    ],
    "has_more": False,
    "first_id": "recorded",
    "last_id": "recorded",
}


def _schema(body: Mapping[str, Any]) -> dict[str, Any] | None:
    config = body.get("output_config") or {}
    schema: dict[str, Any] | None = (config.get("format") or {}).get("schema")
    return schema


def _prompt_tokens(body: Mapping[str, Any], answer: Answer | None) -> int:
    """Never less than what the answer's recorded usage will say."""
    read = {name: body.get(name) for name in ("system", "tools", "messages")}
    return max(estimate_tokens(read), answer.prompt_tokens if answer is not None else 0)


# as a program of its own


async def _orphaned() -> None:
    """Returns when whoever started this is gone: another parent, or stdin at its end."""
    parent = os.getppid()
    mode = os.fstat(0).st_mode if _is_open(0) else 0
    gone = asyncio.Event()
    if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):  # a terminal or /dev/null says nothing
        loop = asyncio.get_running_loop()

        def readable() -> None:
            if not os.read(0, 4096):
                loop.remove_reader(0)
                gone.set()

        loop.add_reader(0, readable)
    while os.getppid() == parent:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                await gone.wait()
            return


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


async def _run(recording: Recording, port_file: Path, pace: float) -> None:
    async with PlaybackServer(recording, pace=pace) as server:
        port = (await server.start()).rpartition(":")[2]
        half = port_file.with_name(port_file.name + ".half")
        half.write_text(f"{port}\n")
        half.replace(port_file)  # nobody reads a half-written number
        await _orphaned()


def main(argv: list[str] | None = None) -> int:
    """Serve a recording until whoever started this is gone."""
    parser = argparse.ArgumentParser(
        prog="python -m factory_tui.llm.playback", description="Play a model session back."
    )
    parser.add_argument("--recording", type=Path, required=True, help="JSONL made with --record")
    parser.add_argument("--port-file", type=Path, required=True, help="where to write the port")
    parser.add_argument(
        "--pace", type=float, default=1.0, help="factor on recorded durations; 0: at once"
    )
    args = parser.parse_args(argv)
    try:
        recording = Recording.load(args.recording)
    except RecordingError as error:
        print(error, file=sys.stderr)
        return 2
    asyncio.run(_run(recording, args.port_file, args.pace))
    return 0


if __name__ == "__main__":
    sys.exit(main())
