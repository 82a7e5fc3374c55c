"""What the probe makes of machines that can confine code, half can, and cannot."""

import os
import shutil
from pathlib import Path

import pytest

from factory_tui.sandbox import Box, Sandbox, SandboxUnavailable, probe

REAL = shutil.which("bwrap")


def pretend(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Put another bwrap first; its options stand in $options, one per line."""
    folder.joinpath("bin").mkdir()
    program = folder / "bin" / "bwrap"
    read = 'options=$(tr "\\0" "\\n" < /proc/self/fd/$2)\n'
    program.write_text(f"#!/bin/sh\n{read}{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")


async def test_this_machine_is_full() -> None:
    tier = await probe()
    assert tier.letter == "A", tier.detail
    assert tier.ok


async def test_without_bubblewrap_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    tier = await probe()
    assert (tier.letter, tier.ok) == ("E", False)
    assert tier.detail == "bubblewrap is not installed; install it: apt install bubblewrap."
    with pytest.raises(SandboxUnavailable, match="apt install bubblewrap"):
        Sandbox(tier)


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ("bwrap: No permissions to create new namespace", "security-opt"),
        (
            "bwrap: Creating new namespace failed: Operation not permitted",
            "unprivileged users create namespaces",
        ),
        ("bwrap: setting up uid map: Permission denied", "AppArmor"),
        ("bwrap: loopback: Failed RTM_NEWADDR: Operation not permitted", "AppArmor"),
        (
            "bwrap: Creating new namespace failed: nesting depth or /proc/sys/user/max_*_namespaces"
            " exceeded (ENOSPC)",
            "sysctl user.max_user_namespaces",
        ),
        ("bwrap: something new", "bubblewrap does not work here: .*something new"),
    ],
)
async def test_complaints_become_advice(
    ground: Path, monkeypatch: pytest.MonkeyPatch, said: str, advice: str
) -> None:
    pretend(ground, monkeypatch, f"echo '{said}' >&2; exit 1")
    tier = await probe()
    assert tier.letter == "E"
    with pytest.raises(SandboxUnavailable, match=advice):
        Sandbox(tier)
    assert tier.detail.count("\n") == 0


async def test_an_old_bubblewrap_is_used_with_a_named_gap(
    ground: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = f"""case $options in *--disable-userns*)
    echo 'bwrap: Unknown option --disable-userns' >&2; exit 1;; esac
exec {REAL} "$@" """
    pretend(ground, monkeypatch, script)
    tier = await probe()
    assert (tier.letter, tier.quirks, tier.ok) == ("B", ("userns",), True)
    assert "nested namespaces" in tier.detail
    async with Sandbox(tier) as sandbox:
        done = await sandbox.run(["unshare", "--user", "true"], Box(cwd="/tmp"))
        assert done.exit_code == 1
        assert "Operation not permitted" in done.stderr


async def test_a_masked_proc_is_done_without(ground: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = f"""case $options in *--proc*)
    echo "bwrap: Can't mount proc on /newroot/proc: Operation not permitted" >&2; exit 1;; esac
exec {REAL} "$@" """
    pretend(ground, monkeypatch, script)
    tier = await probe()
    assert (tier.letter, tier.quirks) == ("B", ("proc",))
    async with Sandbox(tier) as sandbox:
        done = await sandbox.run(
            ["python3", "-c", "import os; print(os.listdir('/proc'))"], Box(cwd="/tmp")
        )
        assert done.stdout == "[]\n"
