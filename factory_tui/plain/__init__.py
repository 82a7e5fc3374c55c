"""A run as lines or JSON objects: for pipes, CI and screen readers."""

from factory_tui.plain.follow import EXIT_CODES, exit_code, follow
from factory_tui.plain.lines import as_json, as_line

__all__ = ["EXIT_CODES", "as_json", "as_line", "exit_code", "follow"]
