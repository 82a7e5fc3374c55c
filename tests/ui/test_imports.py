"""What opening the screens must not import."""

from __future__ import annotations

import subprocess
import sys

import pytest

CHECK = """
import sys
import {module}
heavy = ("anthropic", "factory_tui.llm", "factory_tui.engine", "factory_tui.agent",
         "factory_tui.sandbox", "factory_tui.attractor", "factory_tui.trials"{more})
print([name for name in sys.modules if name.startswith(heavy)])
"""


@pytest.mark.parametrize(
    ("module", "more"),
    [
        ("factory_tui.ui.app", ""),
        ("factory_tui.plain", ', "textual"'),
        ("factory_tui.state", ', "textual", "sqlite3"'),
    ],
)
def test_nothing_heavy_is_imported(module: str, more: str) -> None:
    code = CHECK.format(module=module, more=more)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_rarely_used_screens_are_imported_when_opened() -> None:
    names = [f"factory_tui.ui.screens.{n}" for n in ("spec", "budget", "scenario", "exchange")]
    code = f"import sys, factory_tui.ui.app; print([n for n in sys.modules if n in {names}])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
