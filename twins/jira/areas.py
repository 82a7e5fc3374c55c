"""Importing an area registers its operations; here they come together."""

from . import (  # noqa: F401 - imported for their registrations
    attachments,
    comments,
    filters,
    issues,
    links,
    meta,
    parts,
    projects,
    properties,
    search,
    social,
    users,
    workflow,
    worklogs,
)
