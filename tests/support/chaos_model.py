"""A model server with bad habits, for tests of whatever calls models.

It speaks the Messages API on loopback and answers with random but valid tool calls (it uses the
tools the request offers), text, or JSON that follows a requested schema. On the way it is slow,
cuts streams, answers 429 and 529, fails in mid-stream, and puts escape sequences and bidi
controls into what it says. What it bills stays within what a careful caller can know in advance,
unless ``overbill`` says otherwise; ``GET /billed`` tells the truth about it.

The same seed gives the same answer to the same request (per repetition), whatever the order.

    python -m tests.support.chaos_model --port-file F --seed N
"""

import argparse
import asyncio
import hashlib
import json
import random
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from factory_tui.llm.serving import Call, LoopbackServer, Reply, estimate_tokens, message_events

__all__ = ["HOSTILE", "ChaosModel", "Habits"]

HOSTILE = (
    "\x1b[2J\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "\x1b]52;c;cm0gLXJmIC8=\x07",
    "\x1b]8;;http://example.invalid\x1b\\link\x1b]8;;\x1b\\",
    "\x1bP1$r0m\x1b\\",
    "\x9b31m",
    "\x85\x90",
    "\u202egnp.exe\u202c",
    "\u2066isolated\u2069",
    "\u200b\ufeff\u00ad",
    "\x00\x08\x7f\r\n\r",
    "👩‍👩‍👧‍👦 é e\u0301 日本",
    "[bold red]not markup[/] {{name.field}} ${HOME}",
    "x" * 3000,
)

COMMANDS = (
    "ls -la",
    "cat * 2>/dev/null | head -50",
    "printf '#!/usr/bin/env python3\\nprint(1)\\n' > rollcall && chmod +x rollcall",
    "./rollcall --dry-run",
    "python3 -c 'print(\"\\x1b[31mred\\x1b[0m\")'",
    "printf '\\033]0;title\\007\\302\\233'",
    "head -c 2000 /dev/urandom",
    "yes | head -c 200000",
    "exit 3",
    "sleep 0.2",
    "env | sort | head -5",
    "find / -name '*.md' 2>/dev/null | head",
    "rm -rf -- * && ls",
    "git init . ; git log",
)

PATHS = ("rollcall", "notes.txt", "lib/a.py", "../outside", "/etc/passwd", "a b.txt", "-rf")

FAULTS = ("429", "429 bare", "529", "500", "error event", "cut", "reset", "broken tool", "silent")


@dataclass(frozen=True, slots=True)
class Habits:
    """How bad it is. Shares are probabilities per request; ``pause_s`` is per streamed event.

    ``faults`` of all requests fail in one of ``kinds``; ``hostile`` of all texts carry hostile
    bytes; ``no_usage`` of all answers do not say what they cost; ``overbill`` of them bill more
    than was agreed; ``stall`` of them stop in mid-stream and never go on. ``counts``: whether
    token counting is offered. ``spendthrift``: bill any number of output tokens up to
    ``max_tokens`` instead of what was said. ``rounds``: tool rounds after which it ends its turn.
    """

    faults: float = 0.15
    kinds: tuple[str, ...] = FAULTS
    hostile: float = 0.2
    no_usage: float = 0.02
    overbill: float = 0.0
    stall: float = 0.0
    counts: bool = True
    spendthrift: bool = False
    rounds: int = 12
    end: float = 0.15
    pause_s: float = 0.0


@dataclass(slots=True)
class Billed:
    """The truth: what the server charged, also for answers that never arrived."""

    requests: int = 0
    answered: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    overbilled: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    usages: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    @property
    def budget_tokens(self) -> int:
        return self.input_tokens + self.cache_write_tokens + self.output_tokens

    def add(self, model: str, usage: dict[str, Any]) -> None:
        self.input_tokens += usage["input_tokens"]
        self.output_tokens += usage["output_tokens"]
        self.cache_read_tokens += usage["cache_read_input_tokens"]
        self.cache_write_tokens += usage["cache_creation_input_tokens"]
        self.usages.append((model, usage))

    def wire(self) -> dict[str, Any]:
        return {
            "requests": self.requests,
            "answered": self.answered,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "cache_read_tokens": self.cache_read_tokens,
            "cache_write_tokens": self.cache_write_tokens,
            "budget_tokens": self.budget_tokens,
            "overbilled": self.overbilled,
            "faults": dict(self.faults),
        }


class ChaosModel:
    """The server; ``billed`` is its true bill."""

    def __init__(self, seed: int, habits: Habits | None = None) -> None:
        self.seed = seed
        self.habits = habits or Habits()
        self.billed = Billed()
        self._seen: Counter[str] = Counter()
        self._server = LoopbackServer(self._handle)

    async def start(self, port: int = 0) -> str:
        return await self._server.start(port)

    async def aclose(self) -> None:
        await self._server.aclose()

    async def __aenter__(self) -> "ChaosModel":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def _handle(self, call: Call, reply: Reply) -> None:
        if call.method == "GET" and call.path == "/billed":
            await reply.json(self.billed.wire())
        elif call.method == "GET" and call.path == "/v1/models":
            await reply.json({"data": [], "has_more": False})
        elif call.path == "/v1/messages/count_tokens" and self.habits.counts:
            rng = self._rng(call.body, repeats=False)
            counted = int(_prompt_tokens(call.json()) * rng.uniform(0.96, 1.0))
            await reply.json({"input_tokens": counted})
        elif call.path == "/v1/messages" and call.method == "POST":
            await self._answer(call, reply)
        else:
            await reply.error(404, "not_found_error", call.path)

    def _rng(self, body: bytes, *, repeats: bool = True) -> random.Random:
        digest = hashlib.blake2b(body, digest_size=12).hexdigest()
        self._seen[digest] += repeats
        return random.Random(f"{self.seed}:{digest}:{self._seen[digest]}")

    async def _answer(self, call: Call, reply: Reply) -> None:
        body, habits, billed = call.json(), self.habits, self.billed
        rng = self._rng(call.body)
        billed.requests += 1
        fault = rng.choice(habits.kinds) if rng.random() < habits.faults else ""
        if fault:
            billed.faults[fault] += 1
        if fault in ("429", "429 bare", "529"):
            headers = {"retry-after-ms": str(rng.randint(1, 60))} if fault != "429 bare" else {}
            kind = "overloaded_error" if fault == "529" else "rate_limit_error"
            await reply.error(int(fault[:3]), kind, f"slow down {rng.choice(HOSTILE)}", headers)
            return
        content, stop = self._content(body, rng)
        usage = self._usage(body, content, rng)
        if fault == "500":
            if rng.random() < 0.5:  # it had begun, and charges for it
                billed.add(body["model"], usage)
            headers = {"retry-after-ms": "10"}
            await reply.error(500, "api_error", "Internal server error", headers)
            return
        billed.add(body["model"], usage)
        if fault == "broken tool":
            calls = [b for b in content if b["type"] == "tool_use"]
            fault = "broken tool" if calls else "cut"
        events = list(
            message_events(
                id=f"msg_{rng.getrandbits(64):016x}",
                model=body["model"],
                content=content,
                stop_reason=stop,
                usage=usage,
            )
        )
        if rng.random() < habits.no_usage:
            events = [(name, _without_usage(data)) for name, data in events]
        stop_at = rng.randrange(1, len(events) - 1) if fault else len(events)
        stalls = rng.random() < habits.stall
        await reply.begin()
        for number, (name, data) in enumerate(events):
            if number == stop_at and fault == "error event":
                error = {"type": "overloaded_error", "message": "Overloaded"}
                await reply.event("error", {"type": "error", "error": error})
                break
            if number == stop_at and fault == "cut":
                break
            if number == stop_at and fault == "reset":
                reply.abort()
                return
            if stalls and number == len(events) // 2:
                await asyncio.sleep(3600)
            delta = data.get("delta")
            if fault == "broken tool" and delta and delta.get("type") == "input_json_delta":
                delta["partial_json"] = delta["partial_json"].replace(":", "", 1)
            if fault == "silent":
                await reply.raw(f"data: {json.dumps(data)}\n\n".encode())
            else:
                await reply.event(name, data)
            if habits.pause_s:
                await asyncio.sleep(habits.pause_s * rng.random() * 2)
        else:
            billed.answered += not fault
        await reply.end()

    def _usage(
        self, body: Mapping[str, Any], content: list[dict[str, Any]], rng: random.Random
    ) -> dict[str, Any]:
        prompt = _prompt_tokens(body)
        read = rng.choice([0, prompt // 2, prompt - 1])
        write = rng.choice([0, prompt - read])
        hour = rng.choice([0, write])
        most = int(body["max_tokens"])
        said = min(most, estimate_tokens(content))
        output = rng.randint(1, most) if self.habits.spendthrift else said
        if rng.random() < self.habits.overbill:
            output = most * 3 + 10_000
            self.billed.overbilled += 1
        return {
            "input_tokens": prompt - read - write,
            "cache_read_input_tokens": read,
            "cache_creation_input_tokens": write,
            "cache_creation": {
                "ephemeral_5m_input_tokens": write - hour,
                "ephemeral_1h_input_tokens": hour,
            },
            "output_tokens": output,
        }

    def _content(
        self, body: Mapping[str, Any], rng: random.Random
    ) -> tuple[list[dict[str, Any]], str]:
        schema = ((body.get("output_config") or {}).get("format") or {}).get("schema")
        if schema:
            text = json.dumps(self._value(schema, "", rng))
            return [{"type": "text", "text": text}], "end_turn"
        content: list[dict[str, Any]] = []
        if rng.random() < 0.3:
            signature = f"{rng.getrandbits(128):032x}"
            thought = {"type": "thinking", "thinking": self._text(rng), "signature": signature}
            content.append(thought)
        rounds = sum(
            any(_kind(block) == "tool_use" for block in message["content"])
            for message in body["messages"]
            if message["role"] == "assistant" and not isinstance(message["content"], str)
        )
        tools = body.get("tools") or []
        if not tools or rounds >= self.habits.rounds or rng.random() < self.habits.end:
            return [*content, {"type": "text", "text": self._text(rng)}], "end_turn"
        if rng.random() < 0.5:
            content.append({"type": "text", "text": self._text(rng)})
        for _ in range(rng.choice([1, 1, 2, 4])):
            tool = rng.choice(tools)
            value = self._value(tool.get("input_schema") or {}, "", rng)
            ident = f"toolu_{rng.getrandbits(64):016x}"
            call = {"type": "tool_use", "id": ident, "name": tool["name"]}
            content.append(call | {"input": value if isinstance(value, dict) else {}})
        return content, "tool_use"

    def _text(self, rng: random.Random) -> str:
        words = ("the", "plan", "reads", "every", "page", "until", "none", "is", "left", "then")
        text = " ".join(rng.choices(words, k=rng.randint(3, 60)))
        return f"{text} {rng.choice(HOSTILE)} {text}" if self._nasty(rng) else text

    def _nasty(self, rng: random.Random) -> bool:
        return rng.random() < self.habits.hostile

    def _value(self, schema: Mapping[str, Any], name: str, rng: random.Random) -> Any:
        """A random value the schema allows; ``name`` is the property's name, as a hint."""
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return rng.choice(schema["enum"])
        for several in ("anyOf", "oneOf"):
            if schema.get(several):
                return self._value(rng.choice(schema[several]), name, rng)
        kind = schema.get("type", "object" if "properties" in schema else "string")
        kind = rng.choice(kind) if isinstance(kind, list) else kind
        if kind == "object":
            required = set(schema.get("required", ()))
            return {
                key: self._value(part, key, rng)
                for key, part in (schema.get("properties") or {}).items()
                if key in required or rng.random() < 0.3
            }
        if kind == "array":
            least = int(schema.get("minItems", 0))
            many = rng.randint(least, max(least, int(schema.get("maxItems", 3))))
            return [self._value(schema.get("items") or {}, name, rng) for _ in range(many)]
        if kind in ("integer", "number"):
            least = schema.get("minimum", 0)
            most = schema.get("maximum", max(least, 30))
            value = rng.uniform(least, most)
            return int(value) if kind == "integer" else round(value, 3)
        if kind == "boolean":
            return rng.random() < 0.5
        if kind == "null":
            return None
        return self._string(name.lower(), rng)

    def _string(self, name: str, rng: random.Random) -> str:
        if "command" in name or name == "cmd":
            text = rng.choice(COMMANDS)
        elif "path" in name or "file" in name or "dir" in name:
            return rng.choice(PATHS)
        elif "pattern" in name or "glob" in name:
            return rng.choice(("*.py", "**/*", "print", "(unclosed", ""))
        elif name in ("content", "new_string", "old_string", "text"):
            text = f"#!/usr/bin/env python3\nprint({rng.randint(0, 9)})\n"
        else:
            text = self._text(rng)
        return f"{text} # {rng.choice(HOSTILE)}" if self._nasty(rng) else text


def _prompt_tokens(body: Mapping[str, Any]) -> int:
    return estimate_tokens({key: body.get(key) for key in ("system", "tools", "messages")})


def _kind(block: Any) -> str:
    return str(block.get("type")) if isinstance(block, dict) else ""


def _without_usage(data: dict[str, Any]) -> dict[str, Any]:
    data = {key: value for key, value in data.items() if key != "usage"}
    if "message" in data:
        data["message"] = {k: v for k, v in data["message"].items() if k != "usage"}
    return data


async def _run(args: argparse.Namespace) -> None:
    habits = Habits(
        faults=args.faults,
        overbill=args.overbill,
        counts=not args.no_count,
        pause_s=args.pause_ms / 1000,
        rounds=args.rounds,
    )
    async with ChaosModel(args.seed, habits) as model:
        port = (await model.start()).rpartition(":")[2]
        half = args.port_file.with_name(args.port_file.name + ".half")
        half.write_text(f"{port}\n")
        half.replace(args.port_file)
        await asyncio.Event().wait()


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.support.chaos_model")
    parser.add_argument("--port-file", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--faults", type=float, default=0.15)
    parser.add_argument("--overbill", type=float, default=0.0)
    parser.add_argument("--pause-ms", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--no-count", action="store_true")
    asyncio.run(_run(parser.parse_args(argv)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
