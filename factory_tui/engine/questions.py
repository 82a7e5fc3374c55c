"""Questions of a pipeline's human gates: asked in the journal, answered through the store.

A question's id follows from the visit of its node, so a run that was cut off asks the same
question again, not another one, and an answer given while no engine lived still counts.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from factory_tui.attractor import (
    Answer,
    AnswerValue,
    Node,
    Option,
    Question,
    QuestionType,
    current_trace,
    find_matching_option,
)
from factory_tui.engine.where import Where
from factory_tui.text import clean

if TYPE_CHECKING:
    from factory_tui.engine.runtime import Runtime

__all__ = ["Questions"]


class Questions:
    """The attractor's interviewer inside a factory."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self._asked: dict[str, Mapping[str, Any]] = {}
        self._settled: dict[str, Mapping[str, Any]] = {}
        self._waiting: dict[str, asyncio.Event] = {}
        self._nodes: dict[tuple[str, str], Mapping[str, Any]] = {}
        kinds = ["question.asked", "question.answered"]
        for event in runtime.store.events(run_id=runtime.run_id, kinds=kinds, limit=1_000_000):
            known = self._asked if event.kind == "question.asked" else self._settled
            known[str(event.data["id"])] = event.data

    def learn(self, pipeline: str, node: Node, choices: Sequence[tuple[str, str]]) -> None:
        """Take in a gate's attributes and its (label, target) pairs, which no question carries."""
        self._nodes[pipeline, node.id] = {
            "default": str(node.attrs.get("human.default_choice", "")),
            "to": dict(choices),
        }

    # -- asking --------------------------------------------------------------------------

    async def ask(self, question: Question) -> Answer:
        """Put a question in the journal and wait for its answer, or until its time is over."""
        where = self.runtime.where()
        ident = hashlib.sha256(current_trace.get().visit.encode()).hexdigest()[:10]
        if ident not in self._asked:
            self._asked[ident] = self._journal(ident, question, where)
        if ident not in self._settled:
            await self._wait(ident, question, where)
        said = self._settled[ident]
        return _answer(said, question)

    async def _wait(self, ident: str, question: Question, where: Where) -> None:
        runtime, asked = self.runtime, self._asked[ident]
        event = self._waiting[ident] = asyncio.Event()
        expires = asked.get("expires_ms")
        left = None if expires is None else max(0.0, expires / 1000 - time.time())
        main = not where.branch
        if main:
            runtime.begin_waiting(ident, question.text)
        who = ""
        try:
            async with asyncio.timeout(left):
                await event.wait()
            who = str(self._settled[ident].get("who", ""))
        except TimeoutError:
            if ident not in self._settled:  # it may have been answered in the last moment
                who = "nobody"
                self._settle(ident, how="timeout", choice=str(asked.get("default", "")), who=who)
        except asyncio.CancelledError:
            # The node's own clock ran out a moment before ours, or another branch won. An engine
            # that ends leaves its questions open instead.
            over = expires is not None and time.time() * 1000 > expires - 1000
            called_off = bool(where.branch) and not runtime.stop.done()
            if (over or called_off) and ident not in self._settled:
                choice = str(asked.get("default", "")) if over else ""
                who = "nobody" if over else "the pipeline"
                how = "timeout" if over else "withdrawn"
                self._settle(ident, how=how, choice=choice, who=who)
            raise
        finally:
            del self._waiting[ident]
            if main:
                runtime.end_waiting(ident, who)

    def _journal(self, ident: str, question: Question, where: Where) -> Mapping[str, Any]:
        about = self._nodes.get((where.pipeline, where.node), {})
        to = about.get("to", {})
        wanted = about.get("default", "")
        options = [
            {"key": o.key, "label": clean(_plain(o.label)), "to": to.get(o.label, "")}
            for o in question.options
        ]
        named = {_plain(wanted), wanted} - {""}
        default = next((o["key"] for o in options if named & set(o.values())), "")
        now = int(time.time() * 1000)
        limit = question.timeout_seconds
        data = {
            "id": ident,
            **where.data(),
            "text": clean(question.text),
            "type": str(question.type),
            "options": options,
            "default": default,
            "asked_ms": now,
            "expires_ms": None if limit is None else now + int(limit * 1000),
        }
        self.runtime.emit("question.asked", data)
        return data

    async def ask_multiple(self, questions: Sequence[Question]) -> list[Answer]:
        """Ask one after the other."""
        return [await self.ask(question) for question in questions]

    async def inform(self, message: str, stage: str) -> None:
        """Say something that needs no answer."""
        text = f"{stage}: {message}" if stage else message
        self.runtime.emit("note", {"text": clean(text), "level": "info"})

    # -- answering -----------------------------------------------------------------------

    def open_questions(self) -> list[Mapping[str, Any]]:
        """What has been asked and is not settled, oldest first."""
        return [q for ident, q in self._asked.items() if ident not in self._settled]

    def on_answer(self, args: Mapping[str, Any], who: str) -> str:
        """The request ``answer``.

        Raises:
            ValueError: no such question waits, or that is no answer to it.
        """
        choice, ident = str(args.get("choice", "")).strip(), str(args.get("question", ""))
        waiting = self.open_questions()
        found = [q for q in waiting if str(q["id"]) == ident or not ident]
        if not found:
            raise ValueError("no such question waits for an answer")
        if len(found) > 1:
            listed = ", ".join(f"{q['id']} ({q['node']})" for q in found)
            raise ValueError(f"several questions wait, say which: {listed}")
        asked = found[0]
        option = _option(asked, choice)
        label = option["label"] if option else ""
        key = option["key"] if option else choice
        self._settle(str(asked["id"]), how="answered", choice=key, who=who)
        return f"{asked['node']}: {label or key}"

    def _settle(self, ident: str, *, how: str, choice: str, who: str) -> None:
        asked = self._asked[ident]
        labels = {o["key"]: o["label"] for o in asked["options"]}
        data = {
            "id": ident,
            "node": asked["node"],
            "choice": clean(choice, limit=4000),
            "label": labels.get(choice, ""),
            "text": "" if choice in labels else clean(choice, limit=4000),
            "who": who,
            "how": how,
        }
        self.runtime.emit("question.answered", data)
        self._settled[ident] = data
        if ident in self._waiting:
            self._waiting[ident].set()


_ACCELERATOR: Final = re.compile(r"\s*(?:\[\w+\]\s*|\w\)\s*|\w\s+-\s+)(?=\S)")


def _plain(label: str) -> str:
    """A label without its shortcut key, which is shown beside it."""
    return _ACCELERATOR.sub("", label, count=1)


def _option(asked: Mapping[str, Any], choice: str) -> Mapping[str, Any] | None:
    """The option that was chosen; None where the question takes free text.

    Raises:
        ValueError: it is none of the options.
    """
    if asked["type"] != str(QuestionType.MULTIPLE_CHOICE):
        yes_no = asked["type"] in (str(QuestionType.YES_NO), str(QuestionType.CONFIRMATION))
        if yes_no and choice.lower() not in ("yes", "no", "y", "n"):
            raise ValueError(f"{choice!r} is neither yes nor no")
        return None
    options = list(asked["options"])
    known = [Option(o["key"], o["label"]) for o in options]
    found = find_matching_option(choice, known) or find_matching_option(_plain(choice), known)
    if found is None:
        # An option may also be named by where it leads.
        by_target = [o for o in options if o["to"] and o["to"] == choice]
        if not by_target:
            keys = ", ".join(f"{o['key']} ({o['label']})" for o in options)
            raise ValueError(f"{choice!r} is none of the answers {keys}")
        return dict(by_target[0])
    return dict(next(o for o in options if o["key"] == found.key))


def _answer(said: Mapping[str, Any], question: Question) -> Answer:
    how, choice = said["how"], str(said["choice"])
    if how == "timeout":
        return Answer(AnswerValue.TIMEOUT)
    if how in ("skipped", "withdrawn"):
        return Answer(AnswerValue.SKIPPED)
    if question.type is QuestionType.MULTIPLE_CHOICE:
        option = find_matching_option(choice, question.options)
        return Answer(choice, option)
    if question.type is QuestionType.FREEFORM:
        return Answer(choice, text=choice)
    yes = choice.lower() in ("y", "yes")
    return Answer(AnswerValue.YES if yes else AnswerValue.NO)
