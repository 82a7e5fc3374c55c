"""The spec editor: what should be built. Nothing is lost, nothing is overwritten silently."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal
from textual.content import Content
from textual.widget import Widget
from textual.widgets import TextArea

from factory_tui.ui.external import EditorError, edit, editor_command
from factory_tui.ui.screens.confirm import ConfirmScreen
from factory_tui.ui.screens.frame import FrameScreen
from factory_tui.ui.specfile import NotASpec, SpecFile, Unreadable, older_version, unified
from factory_tui.ui.widgets.editor import DiffPane, DiskNotice, SpecText
from factory_tui.ui.widgets.frame import Line
from factory_tui.ui.widgets.sheet import Sheet
from factory_tui.ui.widgets.tones import Part

if TYPE_CHECKING:
    from factory_tui.ui.follower import Batch

__all__ = ["SpecScreen"]

LOOK_S: Final = 0.5
"""Seconds between two looks at the file; a look is one stat."""


class SpecScreen(FrameScreen):
    """One spec as text, with what differs and what saving would do.

    Args:
        path: the file.
        run_id: the run that will get it; "" for none.
    """

    CSS = """
    SpecScreen {
        #columns { height: 1fr; }
        #text { width: 1fr; height: 1fr; }
        #diff { display: none; width: 1fr; height: 1fr; }
        #refused { display: none; height: 1fr; }
        &.-wide #diff { display: block; width: 48; }
        &.-narrow.-diff #text { display: none; }
        &.-narrow.-diff #diff { display: block; }
        &.-refused #columns, &.-refused #effect { display: none; }
        &.-refused #refused { display: block; }
        #effect { background: $panel; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "save", "Save", priority=True),
        Binding("ctrl+d", "diff", "Diff", priority=True, tooltip="To disk, to the iteration's"),
        Binding("ctrl+e", "editor", "$EDITOR", priority=True, tooltip="Edit in your own editor"),
        Binding("ctrl+z", "undo", "Undo", show=True),
        Binding("escape", "back", "Back", show=True),
        Binding("f1", "app.help", "Help", show=True),
        Binding("question_mark", "app.help", "Help", show=False),
    ]

    def __init__(self, path: Path, run_id: str) -> None:
        super().__init__()
        self.path, self.run_id = path, run_id
        self.text_area = SpecText("", ident="text")
        self.file: SpecFile | None = None
        self._problem = ""
        self._base = ""
        # the text on disk that the buffer comes from
        self._disk = ""
        # the text on disk when it was last looked at
        self._against = "disk"
        self._drafted = ""

    # -- frame -----------------------------------------------------------------------------

    def body(self) -> Iterable[Widget]:
        """Notice, text, diff, effect."""
        with Container(classes="body"):
            yield DiskNotice(ident="notice")
            with Horizontal(id="columns"):
                yield self.text_area
                yield DiffPane(ident="diff")
            yield Sheet(ident="refused")
            yield Line(ident="effect")

    def crumbs(self) -> list[str]:
        """The run and the file."""
        return [*([self.run_id] if self.run_id else []), "spec", self.path.name]

    def on_mount(self) -> None:
        """Read the file, and an unsaved text of last time."""
        facts = self.factory.fleet.facts.get(self.run_id)
        of_run = "" if facts is None else facts.spec_path
        try:
            self.file = SpecFile(
                self.path, self.factory.factory_dir, self.factory.store_path.parent, of_run
            )
            self._base = self._disk = self.file.read()
        except (NotASpec, Unreadable) as error:
            self.file = None
            self._problem = str(error)
            self.add_class("-refused")
            self.query_one("#refused", Sheet).show("Not editable", [[(str(error), "warn")]])
            super().on_mount()
            self.query_one("#refused").focus()
            return
        self.text_area.load_text(self._base)
        self._restore_draft()
        super().on_mount()
        # At once: what a fast hand types belongs into the text.
        self.set_focus(self.text_area)
        if self.conflict:
            self._tell_conflict()
        self.set_interval(LOOK_S, self.look)

    def _restore_draft(self) -> None:
        assert self.file is not None
        draft = self.file.draft()
        if draft is None or draft[0] == self._base:
            return
        text, self._base = draft
        self._replace(text)
        self._drafted = text
        self.notify("Your unsaved text of last time is back; it is not saved yet", timeout=8)

    def on_unmount(self) -> None:
        """Whatever ends the screen, an unsaved text stays as a draft."""
        self._keep_draft()

    def focus_first(self) -> None:
        """The text."""
        self.text_area.focus()

    @property
    def dirty(self) -> bool:
        """Whether the buffer differs from what it was read from."""
        return self.file is not None and self.text_area.text != self._base

    @property
    def conflict(self) -> bool:
        """Whether the file has changed since, in a way nobody has decided about."""
        return self._disk != self._base

    def update(self, batch: Batch | None) -> None:
        """Show state of buffer, disk and run."""
        if self.file is None:
            return
        self._show_state()

    # -- what is shown ---------------------------------------------------------------------

    @on(TextArea.Changed)
    @on(TextArea.SelectionChanged)
    def _edited(self) -> None:
        if self.is_mounted and self.file is not None:
            self._show_state()

    def _show_state(self) -> None:
        area = self.text_area
        row, column = area.cursor_location
        mark = ""
        if self.dirty:
            lines = unified(self._base, area.text)
            more = sum(line.startswith("+") for line in lines)
            less = sum(line.startswith("-") for line in lines)
            mark = f"  ● modified +{more} −{less}"
        new = "  new file" if not self._base and not self.path.exists() else ""
        area.border_title = Content(f"1 {self.path.name}{mark}{new}")
        place = f"Ln {row + 1}  Col {column + 1}"
        area.border_subtitle = Content(f"{place} · {self._disk_state()} · specs only")
        self._show_effect()
        if self.wide or self.has_class("-diff"):
            self._show_diff()

    def _disk_state(self) -> str:
        if self.conflict:
            return "CHANGED ON DISK"
        return "watching the disk"

    def _show_effect(self) -> None:
        left: list[Part] = [("saving  ", "muted"), (self._what_saving_does(), "text")]
        others = [
            ident
            for ident, facts in self.factory.fleet.facts.items()
            if ident != self.run_id
            and facts.status in ("starting", "running", "paused")
            and self.factory.factory_dir / facts.spec_path == self.path
        ]
        right: list[Part] = [(f"also used by {', '.join(others)}", "muted")] if others else []
        self.query_one("#effect", Line).show(left, right)

    def _what_saving_does(self) -> str:
        if not self.run_id:
            return "the next run starts from it"
        run = self.factory.fleet.run(self.run_id)
        if run.finished:
            return f"run {self.run_id} has ended; the next run starts from it"
        if self.factory.liveness(self.run_id).word == "dead":
            return "reaches the builder when the engine runs again (p)"
        return "reaches the builder at its next tool round; the next iteration is judged by it"

    # -- diff ------------------------------------------------------------------------------

    def _iteration_text(self) -> tuple[str, str | None]:
        """The version that the run's present iteration started from: its name and its text."""
        if not self.run_id:
            return "", None
        store = self.factory.store
        rows = store.iterations(self.run_id)
        run = self.factory.fleet.run(self.run_id)
        wanted = rows[-1].spec_hash if rows and rows[-1].spec_hash else run.spec_hash
        if not wanted:
            return "", None
        events = store.events(run_id=self.run_id, kinds={"spec.changed"}, limit=1000)
        name = f"iteration {rows[-1].n if rows else run.iteration} @{wanted[:7]}"
        return name, older_version(self._disk, wanted, [event.data for event in events])

    def _show_diff(self) -> None:
        pane = self.query_one(DiffPane)
        text = self.text_area.text
        if self._against == "reload":
            pane.show("2 Diff  what a reload changes", text, self._disk, "Nothing would change.")
        elif self._against == "iteration":
            name, old = self._iteration_text()
            if old is None:
                same = "The text of that version is not known any more."
                pane.show(f"2 Diff  {name} → buffer", text, text, same)
            else:
                same = f"The buffer is what {name} uses."
                pane.show(f"2 Diff  {name} → buffer", old, text, same)
        else:
            same = "The buffer is what is on disk."
            pane.show("2 Diff  disk → buffer", self._disk, text, same)

    def action_diff(self) -> None:
        """Compare with the disk, then with the run's version, then show the text again."""
        if self.file is None:
            return
        if self.wide:
            self._against = "iteration" if self._against == "disk" and self.run_id else "disk"
        elif not self.has_class("-diff"):
            self._against = "disk"
            self.add_class("-diff")
            self.query_one(DiffPane).focus()
        elif self._against == "disk" and self.run_id:
            self._against = "iteration"
        else:
            self._close_diff()
            return
        self._show_diff()

    def _close_diff(self) -> None:
        self.remove_class("-diff")
        self._against = "disk"
        self.text_area.focus()

    # -- disk ------------------------------------------------------------------------------

    def look(self) -> None:
        """Notice a change of the file."""
        if self.file is None:
            return
        self._keep_draft()
        if self.file.may_have_changed():
            self._read_disk()

    def _read_disk(self) -> None:
        assert self.file is not None
        try:
            self._disk = self.file.read()
        except Unreadable as error:
            self._notice(f"{error}; saving would replace it")
            return
        if self._disk == self.text_area.text:
            self._base = self._disk  # the same text from both sides
        if self.conflict:
            self._tell_conflict()
        else:
            self.query_one(DiskNotice).show("")
        self._show_state()

    def _tell_conflict(self) -> None:
        if not self.path.exists():
            self._notice(f"{self.path.name} was deleted on disk")
        else:
            lines = unified(self._base, self._disk)
            more = sum(line.startswith("+") for line in lines)
            less = sum(line.startswith("-") for line in lines)
            yours = "; your unsaved text differs too" if self.dirty else ""
            self._notice(f"{self.path.name} changed on disk (+{more} −{less}){yours}")

    def _notice(self, text: str) -> None:
        notice = self.query_one(DiskNotice)
        notice.show(text)
        if self.app.screen is self:
            notice.focus()

    @on(DiskNotice.Chosen)
    def _chosen(self, event: DiskNotice.Chosen) -> None:
        match event.choice:
            case "reload":
                self._reload()
            case "keep":
                self._keep_mine()
            case "diff":
                self._against = "reload"
                self.add_class("-diff")
                self._show_diff()
            case _:
                self._close_diff()

    def _reload(self) -> None:
        was_dirty = self.dirty
        self._base = self._disk
        self._replace(self._disk)
        self.query_one(DiskNotice).show("")
        self._close_diff()
        more = "; ctrl+z brings your text back" if was_dirty else ""
        self.notify(f"Reloaded from disk{more}", timeout=6)
        self._show_state()

    def _keep_mine(self) -> None:
        self.query_one(DiskNotice).show("")
        self._close_diff()
        self.notify("Your text stays in the buffer; the file stays as it is until you save")

    def _replace(self, text: str) -> None:
        """Put another text into the buffer, so that ctrl+z brings the old one back."""
        area = self.text_area
        place = area.cursor_location
        area.history.checkpoint()
        area.replace(text, (0, 0), area.document.end, maintain_selection_offset=False)
        area.history.checkpoint()
        area.move_cursor(place)

    # -- saving ----------------------------------------------------------------------------

    def action_save(self) -> None:
        """Save; ask first if the file has changed on disk meanwhile."""
        if self.file is None:
            return
        try:
            self._disk = self.file.read()
        except Unreadable as error:
            self._ask_over(str(error), "")
            return
        if self._disk == self.text_area.text:
            self._base = self._disk
            self.file.forget_draft()
            self.notify("Saved already: the file holds this text")
            self.query_one(DiskNotice).show("")
            self._show_state()
        elif self.conflict:
            lines = unified(self._base, self._disk)
            count = sum(line[:1] in "+-" for line in lines)
            changed = f"{count} line{'' if count == 1 else 's'}"
            self._ask_over(f"{self.path.name} has changed on disk ({changed}).", self._disk)
        else:
            self._write()

    def _ask_over(self, problem: str, other: str) -> None:
        def answered(yes: bool | None) -> None:
            if yes:
                self._write(other)

        kept = " The text on disk is put aside in runs/kept-specs/." if other else ""
        question = f"{problem} Save yours over it?{kept} n goes back; d shows the difference there."
        self.app.push_screen(ConfirmScreen("Overwrite?", question), answered)

    def _write(self, replaced: str = "") -> None:
        assert self.file is not None
        text = self.text_area.text
        try:
            aside = self.file.keep(replaced) if replaced else None
            self.file.save(text)
        except OSError as error:
            self.notify(f"Not saved: {error.strerror or error}", severity="error", timeout=10)
            return
        self._base = self._disk = text
        self.file.forget_draft()
        self._drafted = ""
        self.query_one(DiskNotice).show("")
        more = f" The other text is in {self._shown(aside)}." if aside else ""
        self.notify(f"Saved: {self._what_saving_does()}.{more}", timeout=8)
        self._show_state()

    def _shown(self, path: Path) -> Path:
        """A path as short as it can be said in this factory."""
        home = self.factory.factory_dir.resolve()
        return path.resolve().relative_to(home) if path.resolve().is_relative_to(home) else path

    def _keep_draft(self) -> None:
        if self.file is None:
            return
        text = self.text_area.text
        try:
            if self.dirty and text != self._drafted:
                self.file.save_draft(text, self._base)
                self._drafted = text
            elif not self.dirty and self._drafted:
                self.file.forget_draft()
                self._drafted = ""
        except OSError:
            self._drafted = text  # a full disk must not make the editor unusable

    # -- leaving ---------------------------------------------------------------------------

    def action_back(self) -> None:
        """Go back; ask if the text is not saved."""
        if self.has_class("-diff") and not self.wide:
            self._close_diff()
            return
        notice = self.query_one(DiskNotice)
        if notice.is_on and not notice.has_focus and self.file is not None:
            notice.focus()
            return
        if not self.dirty:
            super().action_back()
            return
        question = (
            f"The changes to {self.path.name} are not saved. Leave without saving them? "
            "n goes back to the text; ctrl+s there saves."
        )

        def answered(yes: bool | None) -> None:
            if yes:
                self._give_up()

        self.app.push_screen(ConfirmScreen("Not saved", question), answered)

    def _give_up(self) -> None:
        assert self.file is not None
        self.file.forget_draft()
        self.file = None
        super().action_back()

    def action_undo(self) -> None:
        """Undo in the text."""
        self.text_area.undo()

    # -- another editor --------------------------------------------------------------------

    def action_editor(self) -> None:
        """Edit in $VISUAL or $EDITOR: the file itself, or a copy of an unsaved text."""
        if self.file is None:
            return
        try:
            command = editor_command()
        except EditorError as error:
            self.notify(str(error), severity="error")
            return
        if not self.dirty:
            self._edit(command, self.path)
            try:
                self._disk = self.file.read()
            except Unreadable as error:
                self._notice(f"{error}; saving would replace it")
                return
            if self._disk != self._base:
                self._base = self._disk
                self._replace(self._disk)
                self.notify(f"Saved in your editor: {self._what_saving_does()}.", timeout=8)
            self._show_state()
            return
        with tempfile.TemporaryDirectory(prefix="spec-") as folder:
            copy = Path(folder) / self.path.name
            copy.write_text(self.text_area.text, encoding="utf-8")
            if self._edit(command, copy):
                text = copy.read_text(encoding="utf-8", errors="replace")
                if text != self.text_area.text:
                    self._replace(text)
                self.notify("Back from your editor; ctrl+s saves")
        self._show_state()

    def _edit(self, command: list[str], path: Path) -> bool:
        try:
            edit(self.app, command, path)
        except EditorError as error:
            self.notify(str(error), severity="error")
            return False
        return True
