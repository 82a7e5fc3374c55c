"""The workspace's history, with a workspace that tries to misuse it."""

import os
import shutil
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from factory_tui.agent.workspace import Limits, Workspace, WorkspaceError, WorkspaceLimit


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "work").mkdir()
    return tmp_path / "work"


@pytest.fixture
def workspace(root: Path, tmp_path: Path) -> Workspace:
    return Workspace(root, tmp_path / "git")


def git(cwd: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=cwd, check=True, capture_output=True, text=True
    ).stdout


def names(workspace: Workspace, tree: str) -> list[str]:
    return git(workspace.git_dir, "ls-tree", "-r", "--name-only", tree).splitlines()


def test_the_tree_is_the_one_git_itself_would_make(workspace: Workspace, root: Path) -> None:
    (root / "a.txt").write_text("hello\n")
    (root / "bin").mkdir()
    (root / "bin" / "run").write_text("#!/bin/sh\n")
    (root / "bin" / "run").chmod(0o755)
    (root / "link").symlink_to("a.txt")
    tree = workspace.snapshot()

    git(root, "init", "-q")
    git(root, "add", "-A")
    assert git(root, "write-tree").strip() == tree


def test_a_snapshot_notices_every_change(workspace: Workspace, root: Path) -> None:
    file = root / "a"
    file.write_text("one")
    trees = [workspace.snapshot()]
    # Same size and forged times: only the content tells.
    before = file.stat()
    file.write_text("two")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    trees.append(workspace.snapshot())
    file.chmod(0o755)
    trees.append(workspace.snapshot())
    file.rename(root / "b")
    trees.append(workspace.snapshot())
    (root / "b").unlink()
    trees.append(workspace.snapshot())
    assert len(set(trees)) == len(trees)


def test_many_quick_rewrites_are_all_seen(workspace: Workspace, root: Path) -> None:
    trees = set()
    for number in range(100, 140):
        (root / "a").write_text(str(number))
        trees.add(workspace.snapshot())
    assert len(trees) == 40


def test_an_unchanged_workspace_starts_no_process(
    workspace: Workspace, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(50):
        (root / f"f{number}").write_text(str(number))
    tree = workspace.snapshot()
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("a process was started"))
    assert workspace.snapshot() == tree


def test_a_commit_per_iteration_even_without_a_change(workspace: Workspace, root: Path) -> None:
    assert workspace.head() == ""
    (root / "a").write_text("1\n2\n")
    first = workspace.commit("Iteration 1")
    second = workspace.commit("Iteration 2: nothing new")
    (root / "a").write_text("1\n3\n")
    (root / "b").write_bytes(b"\0\1")
    third = workspace.commit("Iteration 3")
    assert workspace.head() == third
    log = git(workspace.git_dir, "log", "--format=%H %s", "main").splitlines()
    assert [line.split()[0] for line in log] == [third, second, first]
    assert workspace.diff_stat("", first).added == 2
    change = workspace.diff_stat(second, third)
    assert (change.files, change.added, change.removed) == (2, 1, 1)
    assert workspace.diff_stat(first, second).files == 0


def test_the_repository_must_lie_outside(root: Path) -> None:
    with pytest.raises(ValueError, match="inside the workspace"):
        Workspace(root, root / "git")


def test_nothing_in_the_workspace_makes_git_run_anything(
    workspace: Workspace, root: Path, tmp_path: Path
) -> None:
    """Hooks, fsmonitor, filters, text conversion: each would leave a file behind."""
    ran = tmp_path / "ran"
    command = f"touch {ran}; cat"
    git(root, "init", "-q")
    for key, value in {
        "core.fsmonitor": command,
        "core.hooksPath": ".git/hooks",
        "filter.evil.clean": command,
        "filter.evil.smudge": command,
        "filter.evil.process": command,
        "diff.evil.textconv": command,
        "diff.evil.command": command,
        "diff.external": command,
        "core.sshCommand": command,
    }.items():
        git(root, "config", key, value)
    for hook in ("pre-commit", "post-checkout", "reference-transaction", "post-index-change"):
        path = root / ".git" / "hooks" / hook
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\ntouch {ran}\n")
        path.chmod(0o755)
    (root / ".gitattributes").write_text("* filter=evil diff=evil text eol=crlf export-ignore\n")
    (root / "a.txt").write_text("keep\nthese\n")

    tree = workspace.snapshot()
    assert names(workspace, tree) == [".gitattributes", "a.txt"]
    first = workspace.commit("one")
    (root / "a.txt").write_text("changed\n")
    assert workspace.restore(tree) is not None
    product = workspace.checkout(first, tmp_path / "product")
    assert (product / "a.txt").read_bytes() == b"keep\nthese\n"
    workspace.export(tmp_path / "out")
    assert not ran.exists()
    assert (root / ".git" / "config").exists(), "the builder's own repository is left alone"


def test_a_nested_repository_is_plain_files(workspace: Workspace, root: Path) -> None:
    (root / "lib").mkdir()
    git(root / "lib", "init", "-q")
    (root / "lib" / "x.py").write_text("x = 1\n")
    (root / "sub").mkdir()
    (root / "sub" / ".git").write_text("gitdir: /etc\n")
    (root / "sub" / "y").write_text("y")
    (root / "Odd").mkdir()
    (root / "Odd" / ".GIT").write_text("no")
    assert names(workspace, workspace.snapshot()) == ["lib/x.py", "sub/y"]


def test_links_are_kept_as_links_and_never_followed(
    workspace: Workspace, root: Path, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key").write_text("hush")
    (root / "passwd").symlink_to("/etc/passwd")
    (root / "dir").symlink_to(secret)
    (root / "loop").symlink_to("loop")
    tree = workspace.snapshot()
    listing = git(workspace.git_dir, "ls-tree", "-r", tree).splitlines()
    assert [line.split()[0] for line in listing] == ["120000"] * 3
    objects = subprocess.check_output(
        ["git", "cat-file", "--batch", "--batch-all-objects"], cwd=workspace.git_dir
    )
    assert b"hush" not in objects
    assert b"root:" not in objects
    product = workspace.checkout(workspace.commit("links"), tmp_path / "product")
    assert (product / "passwd").readlink() == Path("/etc/passwd")


def test_special_files_are_passed_over(workspace: Workspace, root: Path) -> None:
    os.mkfifo(root / "pipe")
    (root / "ordinary").write_text("x")
    (root / ".gitmodules").symlink_to("/etc/passwd")
    assert names(workspace, workspace.snapshot()) == ["ordinary"]


def test_what_python_leaves_behind_is_no_part_of_a_product(
    workspace: Workspace, root: Path
) -> None:
    (root / "a.py").write_text("x = 1\n")
    tree = workspace.snapshot()
    (root / "__pycache__").mkdir()
    (root / "__pycache__" / "a.cpython-311.pyc").write_bytes(b"\0")
    assert workspace.snapshot() == tree


def test_odd_names_survive(workspace: Workspace, root: Path, tmp_path: Path) -> None:
    odd = [
        b"new\nline",
        b"tab\there",
        b'quo"te',
        b"\xff\xfe",
        b"back\\slash",
        b"git~1",
        b"-rf",
        b" ",
    ]
    for name in odd:
        (root / os.fsdecode(name)).write_bytes(name)
    commit = workspace.commit("odd")
    product = workspace.checkout(commit, tmp_path / "product")
    assert sorted(os.fsencode(path.name) for path in product.iterdir()) == sorted(odd)
    for path in product.iterdir():
        assert path.read_bytes() == os.fsencode(path.name)
    assert workspace.restore(workspace.snapshot()) is None


LOCKED = """
import sys
from pathlib import Path
from factory_tui.agent.workspace import Workspace

base = Path(sys.argv[1])
root = base / "work"
for name in ("none", "unsearchable", "readonly"):
    (root / name).mkdir(parents=True)
    (root / name / "f").write_text("x")
(root / "none" / "f").chmod(0)
(root / "none").chmod(0)
(root / "unsearchable").chmod(0o400)
(root / "readonly").chmod(0o555)
workspace = Workspace(root, base / "git")
tree = workspace.snapshot()
(root / "readonly").chmod(0o755)
(root / "readonly" / "f").write_text("by hand")
(root / "readonly" / "new").write_text("by hand")
(root / "readonly").chmod(0o555)
print(*workspace.restore(tree).files)
print((root / "readonly" / "f").read_text(), workspace.diff_stat("", tree).files)
"""


def test_what_the_builder_locked_is_handled_all_the_same(tmp_path: Path) -> None:
    """As an ordinary user: permissions mean nothing to root, so root would prove nothing."""
    command = [sys.executable, "-c", LOCKED, str(tmp_path / "base")]
    (tmp_path / "base").mkdir()
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("root needs setpriv to become an ordinary user")
        os.chown(tmp_path / "base", 65534, 65534)
        for parent in (tmp_path, *tmp_path.parents[:4]):
            parent.chmod(parent.stat().st_mode | 0o011)
        command = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", *command]
        probe = subprocess.run([*command[:-2], "import factory_tui"], capture_output=True)
        if probe.returncode != 0:
            pytest.skip("this checkout cannot be read by other users")
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert done.stderr == ""
    assert done.stdout == "readonly/f readonly/new\nx 3\n"


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (Limits(files=2), "more than 2 files"),
        (Limits(file_bytes=1 << 20), "big is larger than 1 MiB"),
        (Limits(total_bytes=1 << 20), "more than 1 MiB"),
        (Limits(depth=1), "more than 1 deep"),
    ],
)
def test_limits_are_said_clearly(root: Path, tmp_path: Path, limits: Limits, said: str) -> None:
    (root / "a" / "b" / "c").mkdir(parents=True)
    (root / "a" / "b" / "c" / "f").write_text("1")
    (root / "g").write_text("1")
    with (root / "big").open("wb") as file:
        file.truncate((1 << 20) + 1)
    with pytest.raises(WorkspaceLimit, match=said):
        Workspace(root, tmp_path / "git", limits=limits).snapshot()


def test_a_hand_edit_is_undone_exactly(workspace: Workspace, root: Path, tmp_path: Path) -> None:
    (root / "keep").write_text("keep\n")
    (root / "run").write_text("#!/bin/sh\n")
    (root / "run").chmod(0o755)
    (root / "sub").mkdir()
    (root / "sub" / "inner").write_text("inner\n")
    (root / "link").symlink_to("keep")
    tree = workspace.snapshot()
    assert workspace.restore(tree) is None

    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "inner").write_text("untouched\n")
    (root / "keep").write_text("keep\nedited by hand\n")
    (root / "run").chmod(0o644)
    (root / "sub" / "inner").unlink()
    (root / "sub").rmdir()
    (root / "sub").symlink_to(outside)
    (root / "link").unlink()
    (root / "link").mkdir()
    (root / "link" / "new").write_text("new\n")
    patch = workspace.restore(tree)

    assert patch is not None
    assert patch.files == ["keep", "link", "link/new", "run", "sub", "sub/inner"]
    assert "+edited by hand" in patch.text
    assert workspace.snapshot() == tree
    assert (root / "keep").read_text() == "keep\n"
    assert stat.S_IMODE((root / "run").stat().st_mode) & 0o111
    assert not (root / "sub").is_symlink()
    assert (root / "sub" / "inner").read_text() == "inner\n"
    assert (root / "link").readlink() == Path("keep")
    assert (outside / "inner").read_text() == "untouched\n", "nothing outside was written"
    # What the person wrote is not lost: the patch applies to what the builder had.
    copy = workspace.checkout(tree, tmp_path / "copy")
    subprocess.run(["chmod", "-R", "u+w", str(copy)], check=True)
    subprocess.run(["git", "apply", "-"], input=patch.text.encode(), cwd=copy, check=True)
    assert (copy / "keep").read_text() == "keep\nedited by hand\n"


def test_a_checkout_is_read_only_complete_and_made_once(
    workspace: Workspace, root: Path, tmp_path: Path
) -> None:
    (root / "run").write_text("#!/bin/sh\necho hi\n")
    (root / "run").chmod(0o755)
    commit = workspace.commit("one")
    targets = [tmp_path / "products" / commit] * 4
    threads = [
        threading.Thread(target=workspace.checkout, args=(commit, target)) for target in targets
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    product = targets[0]
    assert stat.S_IMODE((product / "run").stat().st_mode) == 0o555
    assert [path.name for path in (tmp_path / "products").iterdir()] == [commit]
    assert subprocess.check_output([product / "run"], text=True) == "hi\n"


def test_an_export_is_an_ordinary_repository(
    workspace: Workspace, root: Path, tmp_path: Path
) -> None:
    with pytest.raises(WorkspaceError, match="no product yet"):
        workspace.export(tmp_path / "early")
    (root / "a").write_text("1\n")
    workspace.commit("first")
    (root / "a").write_text("2\n")
    workspace.commit("second")
    out = workspace.export(tmp_path / "out")
    assert git(out, "log", "--format=%s").splitlines() == ["second", "first"]
    assert git(out, "status", "--porcelain") == ""
    assert git(out, "remote") == ""
    assert (out / "a").read_text() == "2\n"
    with pytest.raises(WorkspaceError, match="not empty"):
        workspace.export(tmp_path / "out")


def test_seeding_takes_what_a_repository_tracks(
    workspace: Workspace, root: Path, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    git(source, "init", "-q")
    (source / ".gitignore").write_text("build/\n")
    (source / "build").mkdir()
    (source / "build" / "out").write_text("x")
    (source / "main.py").write_text("print(1)\n")
    (source / "tool").write_text("#!/bin/sh\n")
    (source / "tool").chmod(0o755)
    (source / "to-main").symlink_to("main.py")
    assert workspace.seed_from(source) == 4
    assert names(workspace, workspace.snapshot()) == [".gitignore", "main.py", "to-main", "tool"]
    assert os.access(root / "tool", os.X_OK)
    with pytest.raises(WorkspaceError, match="not empty"):
        workspace.seed_from(source)


def test_seeding_from_a_plain_directory(workspace: Workspace, tmp_path: Path) -> None:
    source = tmp_path / "plain"
    (source / "pkg" / "node_modules").mkdir(parents=True)
    (source / "pkg" / "node_modules" / "x.js").write_text("x")
    (source / "pkg" / "a.py").write_text("a")
    assert workspace.seed_from(source) == 1
    with pytest.raises(WorkspaceError, match="not a directory"):
        workspace.seed_from(tmp_path / "missing")


_NAMES = st.lists(
    st.binary(min_size=1, max_size=6).filter(
        lambda name: b"/" not in name and b"\0" not in name and name not in (b".", b"..")
    ),
    min_size=1,
    max_size=3,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(files=st.lists(st.tuples(_NAMES, st.binary(max_size=50)), max_size=6))
def test_what_goes_in_comes_out(
    files: list[tuple[list[bytes], bytes]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    base = tmp_path_factory.mktemp("w")
    root = base / "work"
    root.mkdir()
    written: dict[bytes, bytes] = {}
    for parts, content in files:
        target = root.joinpath(*map(os.fsdecode, parts))
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        except OSError:
            continue
        written[b"/".join(parts)] = content
    expected = {
        path: content
        for path, content in written.items()
        if not any(part.lower() == b".git" or part == b"__pycache__" for part in path.split(b"/"))
    }
    workspace = Workspace(root, base / "git")
    product = workspace.checkout(workspace.commit("x"), base / "product")
    found = {
        os.fsencode(path.relative_to(product)): path.read_bytes()
        for path in product.rglob("*")
        if path.is_file()
    }
    assert found == expected


_FRUGAL = """
import resource, sys
from pathlib import Path
from factory_tui.agent.workspace import Workspace
here = Path(sys.argv[1])
workspace = Workspace(here / "root", here / "git")
commit = workspace.commit("Large")
workspace.checkout(commit, here / "out")
for path in (here / "root").iterdir():
    path.unlink()
workspace.restore(workspace.tree_of(commit))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.mark.slow
def test_a_large_workspace_does_not_fill_the_memory(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    for number in range(10):
        (root / f"{number}.bin").write_bytes(b"%d" % number + bytes(12 << 20))
    done = subprocess.run(
        [sys.executable, "-c", _FRUGAL, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 250  # MiB, for 120 MiB of files
    assert (tmp_path / "out" / "7.bin").read_bytes() == (root / "7.bin").read_bytes()
