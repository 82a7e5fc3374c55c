"""Importing an area registers its operations; here they come together."""

from . import (  # noqa: F401 - imported for their registrations
    comments,
    issues,
    meta,
    projects,
    search,
    social,
    users,
    workflow,
)
