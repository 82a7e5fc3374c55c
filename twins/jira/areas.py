"""Importing an area registers its operations; here they come together."""

from . import (  # noqa: F401 - imported for their registrations
    attachments,
    boards,
    comments,
    epics,
    filters,
    greenhopper,
    issues,
    links,
    meta,
    parts,
    projects,
    properties,
    ranking,
    search,
    social,
    sprints,
    users,
    webhooks,
    workflow,
    worklogs,
)
