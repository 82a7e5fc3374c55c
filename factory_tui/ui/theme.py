"""The look: one calm dark theme with one accent, and the tones that lines are written in."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from textual.theme import Theme

__all__ = ["DARK", "FACTORY_16", "FACTORY_DARK", "LIGHT", "TONES"]

DARK: Final = {
    "muted": "#8b949e",
    "faint": "#555d68",
    "line": "#30363d",
    "cursor": "#1f2a37",
    "cursor-blur": "#161c24",
}
LIGHT: Final = {
    "muted": "#57606a",
    "faint": "#8c959f",
    "line": "#d0d7de",
    "cursor": "#d6e6f8",
    "cursor-blur": "#edf1f5",
}
"""Variables of ours that themes made by others do not define, by the kind of theme."""

FACTORY_DARK: Final = Theme(
    name="factory-dark",
    primary="#79b8ff",
    secondary="#79b8ff",
    accent="#79b8ff",
    foreground="#c9d1d9",
    background="#0d1117",
    surface="#0d1117",
    panel="#161b22",
    success="#6cc57b",
    warning="#e0b250",
    error="#f47d74",
    dark=True,
    variables={
        **DARK,
        "border": "#79b8ff",
        "border-blurred": "#30363d",
        "input-cursor-background": "#79b8ff",
        "scrollbar": "#30363d",
        "scrollbar-hover": "#484f58",
        "scrollbar-active": "#79b8ff",
        "scrollbar-background": "#0d1117",
        "scrollbar-background-hover": "#0d1117",
        "scrollbar-background-active": "#0d1117",
        "scrollbar-corner-color": "#0d1117",
    },
)

FACTORY_16: Final = replace(
    FACTORY_DARK,
    name="factory-16",
    primary="#55ffff",
    secondary="#55ffff",
    accent="#55ffff",
    background="#000000",
    surface="#000000",
    panel="#000000",
    success="#55ff55",
    warning="#ffff55",
    error="#ff5555",
    variables={
        **FACTORY_DARK.variables,
        "muted": "#aaaaaa",
        "faint": "#aaaaaa",
        "line": "#555555",
        "cursor": "#555555",
        "cursor-blur": "#000000",
        "border": "#55ffff",
        "border-blurred": "#555555",
        "scrollbar": "#555555",
        "scrollbar-background": "#000000",
        "scrollbar-background-hover": "#000000",
        "scrollbar-background-active": "#000000",
        "scrollbar-corner-color": "#000000",
    },
)
"""For terminals of sixteen colours: only such as they have, so that green stays green.

Nothing that must be read is bright black, which some of them show as black.
"""

TONES: Final = (
    "text",
    "strong",
    "muted",
    "faint",
    "accent",
    "good",
    "warn",
    "bad",
    "cursor",
    "hit",
)
"""Names that parts of a line are coloured by; each is a component class ``tone--NAME``."""
