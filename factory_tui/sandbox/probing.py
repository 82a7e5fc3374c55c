"""Find out how well code can be confined on this machine, by confining some."""

import asyncio
import re
import shutil
import socket
from typing import Final

from factory_tui.sandbox.model import (
    FULL,
    Box,
    Closable,
    Door,
    SandboxFault,
    SandboxUnavailable,
    Tier,
    unsandboxed,
)
from factory_tui.sandbox.run import Sandbox

# What bubblewrap says, the quirk that gets around it, what it means for the engineer.
_QUIRKS: Final = (
    (
        re.compile(r"Unknown option --disable-userns"),
        "userns",
        "bubblewrap is older than 0.8, so only the system call filter bars nested namespaces; "
        "upgrade it to close the gap.",
    ),
    (
        re.compile(r"Can't mount proc"),
        "proc",
        "This container masks /proc, so boxes get an empty one; run it with an unmasked /proc "
        "(docker run --security-opt systempaths=unconfined) to close the gap.",
    ),
)
_CAUSES: Final = (
    (
        re.compile(r"RTM_NEWADDR|uid map|Creating new namespace failed: Permission denied"),
        "AppArmor keeps bubblewrap from using user namespaces; install the profile that allows "
        "it: apt install apparmor-profiles, then enable bwrap-userns-restrict.",
    ),
    (
        re.compile(r"ENOSPC|max_\w+_namespaces|Out of namespaces|No space left"),
        "User namespaces are switched off here; allow them: sysctl user.max_user_namespaces=10000.",
    ),
    (
        re.compile(r"No permissions to creat|Operation not permitted|unprivileged_userns_clone"),
        "This machine or container does not let unprivileged users create namespaces; allow it "
        "(sysctl kernel.unprivileged_userns_clone=1, or docker run --security-opt "
        "seccomp=unconfined).",
    ),
    (
        re.compile(r"no system call table"),
        "There is no system call filter for this processor; x86_64 and aarch64 are supported.",
    ),
)


async def probe() -> Tier:
    """Run ``/bin/true`` in a real box with a door, and tell what held.

    Never raises for a machine that cannot: the tier's ``detail`` then says what to install or do.
    """
    if shutil.which("bwrap") is None:
        return unsandboxed("bubblewrap is not installed; install it: apt install bubblewrap.")
    quirks: list[str] = []
    gaps: list[str] = []
    while True:
        said = await _attempt(Tier("B", "probe", quirks=tuple(quirks)))
        if said is None:
            break
        for pattern, quirk, gap in _QUIRKS:
            if pattern.search(said) and quirk not in quirks:
                quirks.append(quirk)
                gaps.append(gap)
                break
        else:
            return unsandboxed(explain(said))
    return Tier("B", "bubblewrap, with a gap", " ".join(gaps), tuple(quirks)) if quirks else FULL


def explain(said: str) -> str:
    """One sentence on what to do about bubblewrap's complaint."""
    for pattern, sentence in _CAUSES:
        if pattern.search(said):
            return sentence
    return f"bubblewrap does not work here: {said.splitlines()[-1] if said else 'no reason given'}."


async def _attempt(tier: Tier) -> str | None:
    """What went wrong with a box of ``tier``, or None."""
    door = Door("probe", 7001, _serve)
    try:
        async with Sandbox(tier) as sandbox:
            done = await sandbox.run(["/bin/true"], Box(cwd="/tmp", doors=(door,)))
    except (SandboxFault, SandboxUnavailable, ValueError) as error:
        return str(error)
    return None if done.exit_code == 0 else done.stderr or f"exit code {done.exit_code}"


async def _serve(listener: socket.socket) -> Closable:
    return await asyncio.start_server(lambda reader, writer: writer.close(), sock=listener)
