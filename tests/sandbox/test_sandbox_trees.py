"""Who owns what, and what may be read back."""

import os
import stat
from pathlib import Path

import pytest

from factory_tui.sandbox import (
    SANDBOX_UID,
    Box,
    Mount,
    SandboxFault,
    SandboxUnavailable,
    prepare_tree,
    reachable,
    write_beneath,
)

from .conftest import Lab


def test_a_tree_becomes_usable_without_following_links(ground: Path, as_root: None) -> None:
    outside = ground / "outside"
    outside.write_text("")
    outside.chmod(0o600)
    tree = ground / "tree"
    (tree / "deep").mkdir(parents=True)
    (tree / "deep" / "file").write_text("x")
    (tree / "deep" / "file").chmod(0o000)
    (tree / "deep").chmod(0o000)
    (tree / "link").symlink_to(outside)
    prepare_tree(tree)
    for path in (tree, tree / "deep", tree / "deep" / "file", tree / "link"):
        assert path.lstat().st_uid == SANDBOX_UID
        assert path.lstat().st_gid == SANDBOX_UID
    assert stat.S_IMODE((tree / "deep").stat().st_mode) == 0o700
    assert stat.S_IMODE((tree / "deep" / "file").stat().st_mode) == 0o600
    assert outside.stat().st_uid == 0
    assert ground.stat().st_uid == 0


def test_a_closed_parent_is_explained(ground: Path, as_root: None) -> None:
    home = ground / "home"
    tree = home / "factory" / "runs"
    tree.mkdir(parents=True)
    assert reachable(tree)
    home.chmod(0o700)
    assert not reachable(tree)
    with pytest.raises(SandboxUnavailable, match=f"because {home} is closed to it"):
        prepare_tree(tree)
    assert tree.stat().st_uid == 0


async def test_what_is_prepared_can_be_used_inside(lab: Lab) -> None:
    (lab.work / "given").mkdir(mode=0o700)
    (lab.work / "given" / "file").write_text("old")
    (lab.work / "given" / "file").chmod(0o400)
    prepare_tree(lab.work)
    done = await lab.python("open('/work/given/file', 'a').write(' new')")
    assert done.exit_code == 0, done
    assert (lab.work / "given" / "file").read_text() == "old new"


async def test_a_mount_out_of_reach_fails_the_box_not_the_command(lab: Lab, as_root: None) -> None:
    closed = lab.ground / "closed"
    (closed / "tree").mkdir(parents=True)
    closed.chmod(0o700)
    with pytest.raises(SandboxFault, match="Permission denied"):
        await lab.sandbox.run(["true"], Box(mounts=(Mount(closed / "tree", "/work"),)))


def test_a_file_is_written_nowhere_else(ground: Path) -> None:
    outside = ground / "outside"
    outside.mkdir()
    (outside / "kept").write_text("kept")
    tree = ground / "tree"
    (tree / "folder").mkdir(parents=True)
    (tree / "link").symlink_to(outside)
    (tree / "file").symlink_to(outside / "kept")
    (tree / "inner").symlink_to("folder")
    os.mkfifo(tree / "pipe")
    write_beneath(tree, "new/deep/note.txt", b"hello")
    write_beneath(tree, "new/deep/note.txt", b"bye")
    assert (tree / "new/deep/note.txt").read_text() == "bye"
    for name in ("link/kept", "link/new", "file", "pipe", "folder", "inner/file"):
        with pytest.raises(OSError):
            write_beneath(tree, name, b"lost")
    for name in ("../outside/kept", "/etc/lost", "", "."):
        with pytest.raises(ValueError, match="outside the folder"):
            write_beneath(tree, name, b"lost")
    assert [path.read_text() for path in outside.iterdir()] == ["kept"]
