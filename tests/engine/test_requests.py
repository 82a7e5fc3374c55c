"""What the engineer asks for and what they write: each counts once, whole, and over any crash."""

import asyncio
import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from factory_tui.config import Settings
from factory_tui.engine.control import ControlLoop
from factory_tui.engine.specs import Listener, SpecWatch
from factory_tui.store import RunRow, Store, StoreError
from tests.engine.conftest import Running, call, played, recording, text

Start = Callable[..., Running]
RUN = "ab12"


@pytest.fixture
def book(tmp_path: Path) -> Store:
    store = Store.open(tmp_path / "runs" / "factory.db")
    store.add_run(RunRow(RUN))
    return store


def test_a_request_cut_off_by_a_crash_is_carried_out_once(
    book: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def retry(args: Any, who: str) -> str:
        book.want(RUN, "count", 3)
        return "queued"

    book.request(RUN, "retry", {"scenario": "count"}, "test")
    control = ControlLoop(book, RUN, {"retry": retry})
    with monkeypatch.context() as patched:

        def crash(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        patched.setattr(book, "acknowledge", crash)
        with pytest.raises(KeyboardInterrupt):
            control.once()
    assert book.wanted(RUN) == []
    control.once()
    control.once()
    assert len(book.wanted(RUN)) == 1
    assert [e.data["result"] for e in book.events(kinds=["control.done"])] == ["queued"]


def test_a_request_that_fails_leaves_nothing_behind(book: Store) -> None:
    def half(args: Any, who: str) -> str:
        book.want(RUN, "count", 3)
        raise ValueError("not so")

    def full(args: Any, who: str) -> str:
        raise StoreError("the disk is full")

    control = ControlLoop(book, RUN, {"half": half, "full": full})
    book.request(RUN, "retry", {}, "test")
    control.actions = {"retry": half}
    control.once()
    assert book.wanted(RUN) == []
    assert [e.data["result"] for e in book.events(kinds=["control.done"])] == ["refused: not so"]
    book.request(RUN, "pause", {}, "test")
    control.actions = {"pause": full}
    with pytest.raises(StoreError):
        control.once()
    assert [request.verb for request in book.pending(RUN)] == ["pause"]


def test_a_budget_that_is_refused_is_not_in_force(start: Start, tmp_path: Path) -> None:
    talk = [[call("shell", command=f"sleep 0.3 # {n}")] for n in range(30)]
    run = start(recording=str(recording(tmp_path / "r.jsonl", [*talk, [text("Done.")]])))
    run.wait_for("agent.tool")
    for refused in ({"tokens": 2**63}, {"usd": "NaN"}, {"usd": "Infinity"}, {"tokens": "1e9"}):
        run.ask("budget", **refused)
    run.ask("budget", tokens=1000)
    run.ask("stop")
    run.wait(lambda: len(run.events("control.done")) == 6)
    results = [e.data["result"] for e in run.events("control.done")]
    assert [r.startswith("refused") for r in results] == [True] * 4 + [False] * 2
    (changed,) = run.events("budget.changed")
    assert changed.data["old"] == {"tokens": 1_000_000, "usd": "100"}
    assert run.store.run(run.id).budget_tokens == 1000
    run.finished()


class Seen(list[tuple[str, dict[str, Any]]]):
    def __call__(self, kind: str, data: Any) -> None:
        self.append((kind, dict(data)))

    def versions(self) -> list[str]:
        return [data["new_hash"][:8] for kind, data in self if kind == "spec.changed"]


def version(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


async def until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not happened():
            await asyncio.sleep(0.05)


async def test_a_folder_put_in_place_of_the_watched_one_is_followed(tmp_path: Path) -> None:
    folder = tmp_path / "specs"
    folder.mkdir()
    path, seen = folder / "s.md", Seen()
    path.write_text("one\n")
    watch = SpecWatch(path, "specs/s.md", seen)
    path.write_text("before anybody watched\n")
    task = asyncio.create_task(watch.watch())
    await until(lambda: seen.versions() == [version("before anybody watched\n")])
    other = tmp_path / "other"
    other.mkdir()
    (other / "s.md").write_text("another branch\n")
    shutil.rmtree(folder)
    await asyncio.sleep(0.3)
    other.rename(folder)
    await until(lambda: len(seen.versions()) == 2)
    path.write_text("and edited there\n")
    await until(lambda: len(seen.versions()) == 3)
    path.write_text("")  # an editor that empties a file before it writes it
    await asyncio.sleep(1.5)
    path.write_bytes(b"\xff")
    await until(lambda: seen[-1][0] == "spec.rejected")
    await asyncio.sleep(1.5)
    path.write_text("well again\n")
    await until(lambda: len(seen.versions()) == 4)
    task.cancel()
    assert seen.versions()[1:] == [
        version(text) for text in ("another branch\n", "and edited there\n", "well again\n")
    ]
    assert [kind for kind, _ in seen].count("spec.rejected") == 1


def test_an_edit_nobody_could_journal_is_journaled_later(tmp_path: Path) -> None:
    path, seen = tmp_path / "s.md", Seen()
    path.write_text("one\n")
    full = True

    def emit(kind: str, data: Any) -> None:
        if full:
            raise StoreError("the disk is full")
        seen(kind, data)

    watch = SpecWatch(path, "s.md", emit)
    path.write_text("two\n")
    import os

    os.utime(path, (1_000_000_000, 1_000_000_000))
    with pytest.raises(StoreError):
        watch.look()
    full = False
    watch.look()
    assert seen.versions() == [version("two\n")]


def test_an_edit_counts_as_told_when_its_own_message_is_stored(tmp_path: Path) -> None:
    path, seen = tmp_path / "s.md", Seen()
    path.write_text("one\n")
    watch = SpecWatch(path, "s.md", seen)
    listener = Listener(watch, tmp_path / "told.md")
    listener.begin()
    watch.text = "two\n"
    message = listener.message()
    assert message is not None
    assert not listener.said("The workspace cannot be delivered as it is.", 1)
    assert Listener(watch, tmp_path / "told.md").message() == message  # a crash came in between
    assert listener.said(message, 2)
    listener.keep()
    assert Listener(watch, tmp_path / "told.md").message() is None
    told = [data for kind, data in seen if kind == "spec.delivered"]
    assert [(d["new_hash"][:8], d["turn"]) for d in told] == [(version("two\n"), 2)]


@pytest.mark.slow
def test_an_edit_of_the_spec_is_journaled_once_over_kills(
    start: Start, settings: Settings, tmp_path: Path
) -> None:
    talk = [[call("shell", command=f"sleep 0.4 # {n}")] for n in range(40)]
    answers = {"1/build/1": [*talk, [text("Done.")]]}
    run = start(recording=str(played(tmp_path / "r.jsonl", answers)))
    run.wait_for("agent.tool")
    spec, first = settings.spec, settings.spec.read_text()
    texts = [f"{first}Edit {n}.\n" for n in range(4)]
    spec.write_text(texts[0])
    run.wait(lambda: len(run.events("spec.changed")) == 1)
    run.kill()
    run.wake()
    run.wait(lambda: len(run.events("run.started")) == 2)
    run.kill()
    spec.write_text(texts[1])
    run.wake()
    run.wait(lambda: len(run.events("spec.changed")) == 2)
    spec.write_text(texts[2])
    run.wait(lambda: len(run.events("spec.changed")) == 3)
    run.kill()
    run.wake()
    run.wait(lambda: len(run.events("run.started")) == 4)
    last = version(texts[2])
    run.wait(lambda: any(e.data["new_hash"][:8] == last for e in run.events("spec.delivered")))
    run.ask("stop")
    run.finished()
    changed = [e.data for e in run.events("spec.changed")]
    assert [d["new_hash"][:8] for d in changed] == [version(text) for text in texts[:3]]
    assert [d["old_hash"][:8] for d in changed] == [version(t) for t in (first, *texts[:2])]
    context = run.store.contexts(run.id, "builder/1/build/1")[0]
    said = [t.payload["content"] for t in run.store.turns(context.id) if _steers(t.payload)]
    assert "+Edit 2." in said[-1]


def _steers(payload: Any) -> bool:
    return bool(payload["kind"] == "steering")
