"""The spec editor: nothing is lost, nothing is overwritten silently, only specs are edited."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from contextlib import nullcontext
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual.pilot import Pilot

from factory_tui.engine.specs import _diff as journal_diff
from factory_tui.store import IterationRow, Store
from factory_tui.ui.app import FactoryApp
from factory_tui.ui.screens.confirm import ConfirmScreen
from factory_tui.ui.screens.run import RunScreen
from factory_tui.ui.screens.spec import SpecScreen
from factory_tui.ui.specfile import NotASpec, SpecFile, digest, older_version, write_atomically
from factory_tui.ui.widgets.editor import DiskNotice
from tests.ui.conftest import Factory, caught_up
from tests.ui.looking import text_of

WIDE, NARROW = (160, 48), (80, 24)
SIZES = [NARROW, pytest.param(WIDE, marks=pytest.mark.slow)]

SPEC = """# rollcall

`rollcall` keeps Slack channels in step with Okta groups.

## Words

- **Group**: an Okta group.
- **Channel**: a Slack channel, public or private.

## Starting it

```
rollcall sync [--dry-run]
```

It never prints a token. See [the guide](https://example.org).
"""


@pytest.fixture
def works(factory: Factory) -> Factory:
    factory.fill()
    folder = factory.folder / "specs"
    folder.mkdir()
    (folder / "rollcall.md").write_text(SPEC)
    return factory


def spec(factory: Factory) -> Path:
    return factory.folder / "specs" / "rollcall.md"


async def opened(pilot: Pilot[Any]) -> SpecScreen:
    await caught_up(pilot)
    await pilot.press("e")
    await caught_up(pilot, lambda: isinstance(pilot.app.screen, SpecScreen))
    screen = pilot.app.screen
    assert isinstance(screen, SpecScreen)
    screen.text_area.cursor_blink = False
    return screen


def notice(screen: SpecScreen) -> DiskNotice:
    return screen.query_one(DiskNotice)


async def asked(pilot: Pilot[Any]) -> None:
    await caught_up(pilot, lambda: isinstance(pilot.app.screen, ConfirmScreen))


# -- files -------------------------------------------------------------------------------------


def test_a_save_replaces_the_file_at_once_and_keeps_permissions_and_links(tmp_path: Path) -> None:
    path = tmp_path / "real.md"
    path.write_text("old")
    path.chmod(0o640)
    link = tmp_path / "link.md"
    link.symlink_to(path)
    before = path.stat().st_ino
    with path.open() as reader:
        write_atomically(link, b"new")
        assert reader.read() == "old", "whoever has it open reads the old text to its end"
    assert link.is_symlink() and path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640 and path.stat().st_ino != before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["link.md", "real.md"]


def test_a_save_that_fails_leaves_the_old_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.md"
    path.write_text("old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, b"new")
    assert path.read_text() == "old" and [p.name for p in tmp_path.iterdir()] == ["a.md"]


@pytest.mark.parametrize(
    "path",
    ["factory.toml", "runs/7f3a/workspace/x.md", "specs/../secret.md", "../out.md", "specs/out.md"],
)
def test_only_specs_can_be_edited(tmp_path: Path, path: str) -> None:
    root = tmp_path / "works"
    (root / "specs").mkdir(parents=True)
    (root / "specs" / "out.md").symlink_to(tmp_path / "elsewhere.md")
    with pytest.raises(NotASpec, match="Code belongs to the agents"):
        SpecFile(root / path, root, root / "runs")


def test_the_spec_of_the_run_is_a_spec_wherever_the_factory_keeps_it(tmp_path: Path) -> None:
    SpecFile(tmp_path / "docs" / "a.md", tmp_path, tmp_path / "runs", "docs/a.md")
    SpecFile(tmp_path / "specs" / "sub" / "a.md", tmp_path, tmp_path / "runs")
    with pytest.raises(NotASpec):
        SpecFile(tmp_path / "runs" / "a.md", tmp_path, tmp_path / "runs", "runs/a.md")


LINES = st.lists(st.sampled_from(["a", "b", "-c", "+d", "@@ x", "", "--- e"]), max_size=12)


@settings(deadline=None)
@given(st.lists(LINES, min_size=2, max_size=4), st.booleans())
def test_older_versions_come_back_from_the_journals_diffs(
    versions: list[list[str]], ends: bool
) -> None:
    texts = ["\n".join(lines) + ("\n" if ends else "") for lines in versions]
    changes = [
        {"old_hash": digest(a), "new_hash": digest(b), "diff": journal_diff(a, b, "specs/x.md")}
        for a, b in pairwise(texts)
        if a != b
    ]
    found = older_version(texts[-1], digest(texts[0]), changes)
    assert found == texts[0]


def test_a_version_that_cannot_be_had_is_not_made_up() -> None:
    assert older_version("x\n", digest("y\n"), []) is None
    wrong = {"old_hash": digest("y\n"), "new_hash": digest("x\n"), "diff": "@@ -1 +1 @@\n-z\n+x"}
    assert older_version("x\n", digest("y\n"), [wrong]) is None


# -- writing -----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
async def test_typing_marks_it_modified_and_ctrl_s_saves_and_says_what_happens(
    works: Factory, size: tuple[int, int]
) -> None:
    app = works.app()
    async with app.run_test(size=size) as pilot:
        screen = await opened(pilot)
        assert "modified" not in text_of(app) and "RECORDED" in text_of(app)
        await pilot.press("N", "e", "w", "q", "question_mark", "enter")
        await pilot.pause()
        assert "● modified +1 −0" in text_of(app) and screen.dirty
        assert spec(works).read_text() == SPEC, "nothing is saved by itself"
        assert "reaches the builder at its next tool round" in text_of(app)
        await pilot.press("ctrl+s")
        await caught_up(pilot, lambda: not screen.dirty)
        assert spec(works).read_text() == "Newq?\n" + SPEC
        assert not screen.file or screen.file.draft() is None


async def test_esc_asks_before_unsaved_text_is_given_up(works: Factory) -> None:
    app = works.app()
    async with app.run_test(size=NARROW) as pilot:
        screen = await opened(pilot)
        await pilot.press("x", "escape")
        await asked(pilot)
        await pilot.press("n")
        await caught_up(pilot, lambda: app.screen is screen)
        assert screen.text_area.text.startswith("x#")
        await pilot.press("escape")
        await asked(pilot)
        await pilot.press("y")
        await caught_up(pilot, lambda: isinstance(app.screen, RunScreen))
        screen = await opened(pilot)
        assert screen.text_area.text == SPEC and not screen.dirty


@pytest.mark.slow
async def test_leaving_a_clean_text_does_not_ask(works: Factory) -> None:
    app = works.app()
    async with app.run_test(size=NARROW) as pilot:
        await opened(pilot)
        await pilot.press("x", "ctrl+z", "escape")
        await caught_up(pilot, lambda: isinstance(app.screen, RunScreen))


@pytest.mark.slow
async def test_an_unsaved_text_survives_quitting(works: Factory) -> None:
    app = works.app()
    async with app.run_test(size=NARROW) as pilot:
        await opened(pilot)
        await pilot.press("M", "i", "n", "e", "ctrl+q")
    assert spec(works).read_text() == SPEC
    again = works.app()
    async with again.run_test(size=NARROW) as pilot:
        screen = await opened(pilot)
        assert screen.text_area.text == "Mine" + SPEC and screen.dirty
        await pilot.press("ctrl+z")
        await caught_up(pilot, lambda: screen.text_area.text == SPEC)


async def test_a_draft_of_an_older_text_does_not_undo_what_came_since(works: Factory) -> None:
    app = works.app()
    async with app.run_test(size=NARROW) as pilot:
        await opened(pilot)
        await pilot.press("M", "ctrl+q")
    spec(works).write_text(SPEC + "Theirs.\n")
    again = works.app()
    async with again.run_test(size=NARROW) as pilot:
        screen = await opened(pilot)
        await caught_up(pilot, lambda: notice(screen).is_on)
        await pilot.press("ctrl+s")
        await asked(pilot)
        await pilot.press("n")
        await caught_up(pilot, lambda: again.screen is screen)
    assert spec(works).read_text() == SPEC + "Theirs.\n"


# -- somebody else writes too ------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
async def test_a_change_on_disk_is_noticed_and_r_reloads(
    works: Factory, size: tuple[int, int]
) -> None:
    app = works.app()
    async with app.run_test(size=size) as pilot:
        screen = await opened(pilot)
        spec(works).write_text(SPEC + "Theirs.\n")
        await caught_up(pilot, lambda: notice(screen).is_on and notice(screen).has_focus)
        assert "rollcall.md changed on disk (+1 −0)" in text_of(app)
        assert "r reload" in text_of(app) and "k keep mine" in text_of(app)
        await pilot.press("r")
        await caught_up(pilot, lambda: screen.text_area.text == SPEC + "Theirs.\n")
        assert not screen.dirty and not notice(screen).is_on


async def test_reloading_over_unsaved_text_can_be_undone(works: Factory) -> None:
    app = works.app()
    async with app.run_test(size=NARROW) as pilot:
        screen = await opened(pilot)
        await pilot.press("M", "i", "n", "e")
        spec(works).write_text(SPEC + "Theirs.\n")
        await caught_up(pilot, lambda: notice(screen).has_focus)
        assert "your unsaved text differs too" in text_of(app)
        await pilot.press("r")
        await caught_up(pilot, lambda: "Theirs" in screen.text_area.text)
        await pilot.press("ctrl+z")
        await caught_up(pilot, lambda: screen.text_area.text == "Mine" + SPEC)
        assert screen.dirty


async def test_keeping_mine_still_asks_at_saving_and_puts_theirs_aside(works: Factory) -> None:
    app = works.app()
    theirs = SPEC + "Theirs.\n"
    async with app.run_test(size=NARROW) as pilot:
        screen = await opened(pilot)
        await pilot.press("M")
        spec(works).write_text(theirs)
        await caught_up(pilot, lambda: notice(screen).has_focus)
        await pilot.press("k")
        await caught_up(pilot, lambda: not notice(screen).is_on)
        assert spec(works).read_text() == theirs and screen.text_area.text == "M" + SPEC
        await pilot.press("ctrl+s")
        await asked(pilot)
        await pilot.press("n")
        await caught_up(pilot, lambda: app.screen is screen)
        assert spec(works).read_text() == theirs, "no means no"
        await pilot.press("ctrl+s")
        await asked(pilot)
        await pilot.press("y")
        await caught_up(pilot, lambda: not screen.dirty)
    assert spec(works).read_text() == "M" + SPEC
    kept = list((works.folder / "runs" / "kept-specs").iterdir())
    assert [path.read_text() for path in kept] == [theirs]


async def test_saving_over_a_change_that_nobody_noticed_asks(works: Factory) -> None:
    app = works.app()
    async with app.run_test(size=NARROW) as pilot:
        screen = await opened(pilot)
        await pilot.press("M")
        screen.look = lambda: None  # type: ignore[method-assign]
        spec(works).write_text("Theirs.\n")
        screen.action_save()
        await asked(pilot)
        assert spec(works).read_text() == "Theirs.\n"


@pytest.mark.slow
async def test_d_shows_the_difference_and_esc_the_text(works: Factory) -> None:
    app = works.app()
    async with app.run_test(size=NARROW) as pilot:
        screen = await opened(pilot)
        await pilot.press("M")
        spec(works).write_text(SPEC + "Theirs.\n")
        await caught_up(pilot, lambda: notice(screen).has_focus)
        await pilot.press("d")
        await caught_up(pilot, lambda: "+Theirs." in text_of(app))
        assert "-M# rollcall" in text_of(app) and "what a reload changes" in text_of(app)
        await pilot.press("escape")
        await caught_up(pilot, lambda: screen.text_area.has_focus)
        await pilot.press("escape")
        await caught_up(pilot, lambda: notice(screen).has_focus)


@pytest.mark.slow
async def test_the_same_text_from_both_sides_is_no_conflict(works: Factory) -> None:
    app = works.app()
    async with app.run_test(size=NARROW) as pilot:
        screen = await opened(pilot)
        await pilot.press("M")
        spec(works).write_text("M" + SPEC)
        await caught_up(pilot, lambda: not screen.dirty)
        assert not notice(screen).is_on


@pytest.mark.slow
async def test_a_deleted_file_is_noticed_and_can_be_saved_again(works: Factory) -> None:
    app = works.app()
    async with app.run_test(size=NARROW) as pilot:
        screen = await opened(pilot)
        spec(works).unlink()
        await caught_up(pilot, lambda: notice(screen).is_on)
        assert "was deleted on disk" in text_of(app)
        await pilot.press("k", "ctrl+s")
        await asked(pilot)
        await pilot.press("y")
        await caught_up(pilot, lambda: spec(works).exists())
    assert spec(works).read_text() == SPEC


@pytest.mark.slow
async def test_what_is_not_text_is_not_opened(works: Factory) -> None:
    spec(works).write_bytes(b"\xff\xfe\x00")
    app = works.app()
    async with app.run_test(size=NARROW) as pilot:
        await opened(pilot)
        assert "is not UTF-8 text" in text_of(app)
        await pilot.press("x", "ctrl+s", "ctrl+d", "ctrl+e", "escape")
        await caught_up(pilot, lambda: isinstance(app.screen, RunScreen))
    assert spec(works).read_bytes() == b"\xff\xfe\x00"


async def test_code_is_not_opened(works: Factory) -> None:
    code = works.folder / "runs" / "7f3a" / "workspace" / "rollcall.py"
    code.parent.mkdir()
    code.write_text("print()")
    app = works.app()
    async with app.run_test(size=NARROW) as pilot:
        await caught_up(pilot)
        app.open_spec(code, "7f3a")
        await caught_up(pilot, lambda: isinstance(app.screen, SpecScreen))
        assert "Code belongs to the agents" in text_of(app)


# -- diffs and another editor ------------------------------------------------------------------


async def test_ctrl_d_compares_with_disk_then_with_the_iterations_version(works: Factory) -> None:
    old = SPEC.replace("never prints", "may print")
    with Store.open(works.path) as store:
        store.save_iteration(IterationRow("7f3a", 3, spec_hash=digest(old), started_ms=1))
    change = {"old_hash": digest(old), "new_hash": digest(SPEC), "path": "specs/rollcall.md",
              "diff": journal_diff(old, SPEC, "specs/rollcall.md")}  # fmt: skip
    works.append("spec.changed", change, iteration=3)
    app = works.app()
    async with app.run_test(size=NARROW) as pilot:
        screen = await opened(pilot)
        await pilot.press("M", "ctrl+d")
        await caught_up(pilot, lambda: "disk → buffer" in text_of(app))
        assert "+M# rollcall" in text_of(app) and "may print" not in text_of(app)
        await pilot.press("ctrl+d")
        await caught_up(pilot, lambda: "iteration 3" in text_of(app))
        assert "-It may print a token" in text_of(app) and "+M# rollcall" in text_of(app)
        await pilot.press("ctrl+d")
        await caught_up(pilot, lambda: screen.text_area.has_focus)


def editing(monkeypatch: pytest.MonkeyPatch, app: FactoryApp, write: str) -> list[str]:
    """Pretend that a person edits in another editor; the handed-over paths are returned."""
    handed: list[str] = []

    def run(command: list[str], check: bool) -> None:
        handed.append(command[-1])
        Path(command[-1]).write_text(write)

    monkeypatch.setenv("VISUAL", "my-editor --wait")
    monkeypatch.setattr("factory_tui.ui.external.subprocess.run", run)
    monkeypatch.setattr(app, "suspend", nullcontext)
    return handed


async def test_ctrl_e_edits_the_file_itself_when_nothing_is_unsaved(
    works: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = works.app()
    handed = editing(monkeypatch, app, "From outside.\n")
    async with app.run_test(size=NARROW) as pilot:
        screen = await opened(pilot)
        await pilot.press("ctrl+e")
        await caught_up(pilot, lambda: screen.text_area.text == "From outside.\n")
        assert not screen.dirty and not notice(screen).is_on
    assert handed == [os.fspath(spec(works))]


@pytest.mark.slow
async def test_ctrl_e_edits_a_copy_of_unsaved_text(
    works: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = works.app()
    handed = editing(monkeypatch, app, "Better.\n")
    async with app.run_test(size=NARROW) as pilot:
        screen = await opened(pilot)
        await pilot.press("M", "ctrl+e")
        await caught_up(pilot, lambda: screen.text_area.text == "Better.\n")
        assert screen.dirty and spec(works).read_text() == SPEC
    assert Path(handed[0]).name == "rollcall.md" and not Path(handed[0]).exists()


@pytest.mark.slow
async def test_a_terminal_that_cannot_hand_over_says_so(works: Factory) -> None:
    app = works.app()
    async with app.run_test(size=NARROW) as pilot:
        screen = await opened(pilot)
        await pilot.press("ctrl+e")
        await pilot.pause()
        assert screen.text_area.text == SPEC and app.screen is screen


# -- look --------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["80x24", "160x48"])
@pytest.mark.parametrize(
    "conflict", [pytest.param(False, marks=pytest.mark.slow), True], ids=["modified", "conflict"]
)
def test_spec_look(
    works: Factory, snap_compare: Callable[..., bool], size: tuple[int, int], conflict: bool
) -> None:
    async def prepare(pilot: Pilot[Any]) -> None:
        screen = await opened(pilot)
        await pilot.press("down", "down", "end", "space", "A", "l", "w", "a", "y", "s", "full_stop")
        if conflict:
            spec(works).write_text(SPEC + "Theirs.\n")
            await caught_up(pilot, lambda: notice(screen).has_focus)
        await caught_up(pilot)

    assert snap_compare(works.app(), terminal_size=size, run_before=prepare)


async def test_an_editor_that_cannot_be_read_is_named(
    works: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISUAL", 'vi "unclosed')
    app = works.app()
    async with app.run_test(size=NARROW) as pilot:
        await opened(pilot)
        await pilot.press("ctrl+e")
        await pilot.pause()
        assert any("VISUAL" in note.message for note in app._notifications)


async def test_saving_comes_first_among_the_keys(works: Factory) -> None:
    app = works.app()
    async with app.run_test(size=NARROW) as pilot:
        await opened(pilot)
        assert text_of(app).splitlines()[-1].split()[:2] == ["^s", "Save"]


async def test_what_a_fast_hand_types_goes_into_the_text(works: Factory) -> None:
    app = works.app()
    async with app.run_test(size=NARROW) as pilot:
        await caught_up(pilot)
        await pilot.press("e", "r", "d", "k")
        await caught_up(pilot, lambda: isinstance(app.screen, SpecScreen))
        screen = app.screen
        assert isinstance(screen, SpecScreen)
        assert screen.focused is screen.text_area
        assert screen.text_area.text.startswith("rdk")
