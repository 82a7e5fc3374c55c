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
    names_beneath,
    prepare_tree,
    reachable,
    remove_tree,
    trees,
    write_beneath,
)
from factory_tui.sandbox.disk import measure

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


def _nest(root: Path, depth: int) -> None:
    """Directories within directories, deeper than a path can tell."""
    at = os.open(root, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d" * 50, dir_fd=at)
        inner = os.open("d" * 50, os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = inner
    os.close(os.open("deepest", os.O_WRONLY | os.O_CREAT, dir_fd=at))
    os.close(at)


def test_a_tree_of_any_depth_is_prepared_listed_and_removed(ground: Path) -> None:
    tree = ground / "tree"
    (tree / "a").mkdir(parents=True)
    (tree / "a" / "b").write_text("b")
    (tree / "z").write_text("z")
    (ground / "precious").write_text("precious")
    (tree / "link").symlink_to(ground)
    os.mkfifo(tree / "pipe")
    _nest(tree, 1500)
    before = len(list(Path("/proc/self/fd").iterdir()))
    prepare_tree(tree)
    assert list(names_beneath(tree)) == ["link", "pipe", "z", "a/b"]
    (tree / "a").chmod(0)
    remove_tree(tree)
    assert not tree.exists()
    assert (ground / "precious").read_text() == "precious"
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    remove_tree(tree)  # nothing there is no error
    (ground / "link").symlink_to(ground)
    remove_tree(ground / "link")
    assert (ground / "precious").exists()
    assert not (ground / "link").is_symlink()


def test_permissions_are_never_given_through_a_link(ground: Path) -> None:
    """A link that takes a file's place between the look and the deed."""
    (ground / "outside").write_text("x")
    (ground / "outside").chmod(0)
    tree = ground / "tree"
    tree.mkdir()
    (tree / "swapped").symlink_to(ground / "outside")
    handle = os.open(tree, os.O_RDONLY)
    trees._allow("swapped", handle, 0o700)
    os.close(handle)
    assert (ground / "outside").stat().st_mode & 0o777 == 0
    (tree / "mine").write_text("x")
    (tree / "mine").chmod(0)
    prepare_tree(tree)
    assert (tree / "mine").stat().st_mode & 0o600 == 0o600


def test_what_is_nested_beyond_paths_counts_as_too_much(ground: Path) -> None:
    _nest(ground, 100)
    assert measure([ground]).size > 1 << 60
