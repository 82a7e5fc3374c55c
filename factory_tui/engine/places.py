"""Workspaces: the run's own, and one for every branch of a parallel node.

A branch begins with what the workspace of its parent line holds when the parallel node is entered,
and ends as a reference in the run's repository. What agents and commands left in a workspace is on
record, so that an edit by hand is noticed even when it was made while no engine lived.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from factory_tui.agent.workspace import Workspace, WorkspaceLimit
from factory_tui.engine.runtime import Runtime
from factory_tui.engine.specs import Listener
from factory_tui.engine.where import FRAME, branch_name
from factory_tui.sandbox import prepare_tree
from factory_tui.store import PlaceRow
from factory_tui.text import clean

__all__ = ["Place", "Places"]

_TOO_BIG: Final = 50 << 20


class Place:
    """One workspace, its history, and what its builders have heard of the spec."""

    def __init__(self, runtime: Runtime, row: PlaceRow, folder: Path, workspace: Workspace) -> None:
        self.runtime, self.row, self.folder, self.workspace = runtime, row, folder, workspace
        self.listener = Listener(runtime.spec, folder / "told.md")
        self._busy = 0

    @property
    def key(self) -> str:
        """Names it; "" for the run's own."""
        return self.row.key

    @property
    def name(self) -> str:
        """The branch's name, "" on the main line."""
        return self.row.name

    @property
    def outputs(self) -> Path:
        """Where long outputs of the builder's commands are kept for it to read."""
        return self.folder / "outputs"

    @property
    def tools(self) -> Path:
        """Where commands lie that the builder has in its boxes."""
        return self.folder / "tools"

    def save(self, **changes: Any) -> None:
        """Change the row."""
        self.row = replace(self.row, **changes)
        self.runtime.store.save_place(self.row)

    # -- who changes files -----------------------------------------------------------------

    def begin_work(self) -> None:
        """An agent or a command is about to change files; whatever it finds is undone first."""
        if self._busy == 0:
            self.check()
            self.save(tree="")
        self._busy += 1

    def end_work(self) -> str:
        """It is done, and what is there now is its work.

        Returns:
            What is wrong with the workspace, for whoever can mend it; "" if nothing is.
        """
        self._busy -= 1
        if self._busy:
            return ""
        try:
            self.save(tree=self.workspace.snapshot())
        except WorkspaceLimit as limit:
            return str(limit)
        return ""

    def rest(self) -> None:
        """Nobody is at work any more, whether or not every command came to its end."""
        cut_off, self._busy = self._busy > 0 or not self.row.tree, 0
        if cut_off:
            with contextlib.suppress(WorkspaceLimit):
                self.save(tree=self.workspace.snapshot())

    def problem(self) -> str:
        """Why what it holds cannot be committed; "" if it can."""
        try:
            self.workspace.snapshot()
        except WorkspaceLimit as limit:
            return str(limit)
        return ""

    def check(self) -> None:
        """Undo what somebody else changed; it is kept as a patch beside the run.

        Where a command was cut off nobody can tell how far it came, so what is there counts as
        its work.
        """
        if self._busy or not self.row.tree:
            return
        try:
            patch = self.workspace.restore(self.row.tree)
        except WorkspaceLimit:
            return
        if patch is None:
            return
        prepare_tree(self.workspace.root)
        folder = self.runtime.folder / "patches"
        folder.mkdir(exist_ok=True)
        path = folder / f"{len(list(folder.iterdir())) + 1:03d}.patch"
        path.write_text(patch.text, encoding="utf-8", errors="surrogateescape")
        files = [clean(name) for name in patch.files]
        shown = str(path.relative_to(self.runtime.settings.folder))
        self.runtime.emit("handedit.undone", {"files": files, "patch": shown})

    def tree(self) -> str:
        """What it holds, as agents and commands left it."""
        self.check()
        return self.row.tree or self.workspace.snapshot()

    def trim(self) -> list[str]:
        """Remove files too large to keep; gives their names.

        The last resort after the builder was told and did nothing: without it nothing of its work
        could be committed.
        """
        removed = []
        for path in sorted(self.workspace.root.rglob("*")):
            if path.is_file() and not path.is_symlink() and path.stat().st_size > _TOO_BIG:
                path.unlink()
                removed.append(clean(str(path.relative_to(self.workspace.root))))
        self.save(tree=self.workspace.snapshot())
        return removed

    def become(self, tree: str) -> None:
        """Hold another tree of the run's repository; not a change by hand."""
        self.save(tree="")
        self.workspace.restore(tree)
        prepare_tree(self.workspace.root)
        self.save(tree=tree)

    # -- commits ---------------------------------------------------------------------------

    def commit(self, message: str, *, onto: str | None = None) -> tuple[str, str, str]:
        """Commit what it holds; the commit, its tree, and the commit before.

        A commit of this name that already holds it is taken: a crash may have come between the
        commit and the note of it.
        """
        self.check()
        workspace = self.workspace
        head, tree = workspace.head(), workspace.snapshot()
        if head and workspace.subject(head) == message and workspace.tree_of(head) == tree:
            return head, tree, workspace.parent(head)
        return workspace.commit(message, onto=onto), tree, head if onto is None else onto


class Places:
    """All workspaces of a run."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self._open: dict[str, Place] = {}

    def main(self) -> Place:
        """The run's own workspace."""
        return self.at("")

    def here(self) -> Place:
        """The workspace the running node works in."""
        return self.at(self.runtime.where().place)

    def at(self, key: str) -> Place:
        """The workspace of a key.

        Raises:
            KeyError: no branch of this key has been opened.
        """
        if key not in self._open:
            row = self.runtime.store.place(self.runtime.run_id, key)
            if key:
                if row is None:
                    raise KeyError(key)
                self._open[key] = self._branch(row)
            else:
                self._open[key] = self._main(row)
        return self._open[key]

    def open(self, key: str, way: str, parent: str) -> Place:
        """The workspace of a branch, begun from its parent line's if it is new."""
        runtime = self.runtime
        if runtime.store.place(runtime.run_id, key) is None:
            base = self.at(parent).tree()
            name = "/".join(filter(None, (FRAME.get().branch, branch_name(way))))
            row = PlaceRow(runtime.run_id, key, name, parent, base, base)
            runtime.store.save_place(row)
        return self.at(key)

    def latest(self, start: str, parent: str) -> Place | None:
        """The branch that was begun last from a line at a node."""
        runtime = self.runtime
        known = {row.key for row in runtime.store.places(runtime.run_id) if row.parent == parent}
        begun = runtime.store.events(
            run_id=runtime.run_id, kinds=["branch.started"], limit=1_000_000
        )
        for event in reversed(begun):
            if event.data["start"] == start and event.data["key"] in known:
                return self.at(str(event.data["key"]))
        return None

    def _main(self, row: PlaceRow | None) -> Place:
        runtime = self.runtime
        return Place(
            runtime,
            row or PlaceRow(runtime.run_id, ""),
            runtime.folder,
            runtime.workspace,
        )

    def _folder(self, key: str) -> Path:
        # The path shows inside the box, so it says nothing about what happens in it.
        return self.runtime.folder / "branches" / hashlib.sha256(key.encode()).hexdigest()[:12]

    def _branch(self, row: PlaceRow) -> Place:
        folder = self._folder(row.key)
        root, partial = folder / "workspace", folder / "partial"
        ref = f"refs/heads/branches/{folder.name}"
        git = self.runtime.workspace.git_dir
        if not root.exists():
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(parents=True)
            Workspace(partial, git, branch=ref).restore(row.base)
            partial.rename(root)
        told = folder / "told.md"
        if not told.exists():
            told.write_text(self.at(row.parent).listener.told, encoding="utf-8")
        return Place(self.runtime, row, folder, Workspace(root, git, branch=ref))
