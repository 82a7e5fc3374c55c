"""Where untrusted commands run: bubblewrap boxes with doors to twins and with limits.

::

    tier = await probe()
    async with Sandbox(tier) as sandbox:
        door = Door("slack", 7002, attach)
        box = Box(mounts=(Mount(product, "/app"), Mount(scratch, "/work", writable=True)),
                  env=lambda ports: {"SLACK_URL": f"http://127.0.0.1:{ports['slack']}/api/"},
                  doors=(door,))
        done = await sandbox.run(["/app/rollcall", "--dry-run"], box)

Inside there is no network but loopback, no process, file or variable of the host beyond what the
box names, and no way to more. Who asks for a box decides nothing about how it is closed.
"""

from factory_tui.sandbox.janitor import cleanup_leftovers
from factory_tui.sandbox.model import (
    FULL,
    Attach,
    Box,
    Closable,
    Completed,
    Door,
    Inside,
    Killed,
    Limits,
    Mount,
    SandboxFault,
    SandboxUnavailable,
    Tier,
    unsandboxed,
)
from factory_tui.sandbox.probing import probe
from factory_tui.sandbox.profile import SANDBOX_UID
from factory_tui.sandbox.run import Sandbox
from factory_tui.sandbox.trees import (
    names_beneath,
    prepare_tree,
    reachable,
    read_beneath,
    remove_tree,
    write_beneath,
)

__all__ = [
    "FULL",
    "SANDBOX_UID",
    "Attach",
    "Box",
    "Closable",
    "Completed",
    "Door",
    "Inside",
    "Killed",
    "Limits",
    "Mount",
    "Sandbox",
    "SandboxFault",
    "SandboxUnavailable",
    "Tier",
    "cleanup_leftovers",
    "names_beneath",
    "prepare_tree",
    "probe",
    "reachable",
    "read_beneath",
    "remove_tree",
    "unsandboxed",
    "write_beneath",
]
