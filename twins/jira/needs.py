"""What most changes of an issue need."""

from factory_tui.universe import Row

from .context import Context

__all__ = ["need_write"]


def need_write(c: Context, issue: Row) -> None:
    """403 unless the caller may change an issue."""
    c.need("EDIT_ISSUES", issue, "You do not have permission to edit issues in this project.")
