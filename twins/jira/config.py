"""How a site is set up: the tables of schemes, screens, workflows, roles and their first rows.

===================  ====================================================================
table                rows
===================  ====================================================================
customfields         fields that administrators made, with their type and searcher
contexts             where a custom field applies, with its default value
options              choices of a context, cascading ones below others
screens              tabs with the fields on them
screenschemes        screen per operation (create, edit, view)
typescreenschemes    screen scheme per issue type
fieldconfigs         what is hidden, required, described
fieldschemes         field configuration per issue type
typeschemes          issue types of projects
workflows            statuses and transitions with their rules
workflowschemes      workflow per issue type, with a draft while it is being changed
permissionschemes    who may do what
securityschemes      levels that hide single issues
securitylevels       of a scheme, with their members
priorityschemes      priorities of projects
roles                project roles with the actors a new project gets
actors               (project, role): users and groups in a role of a project
tasks                long-running work, all of it already done
views                (user, issue): when somebody last looked at an issue
===================  ====================================================================

A project names its schemes in its row (``permission_scheme`` …); where it names none, the
default of the kind applies, so that rows written before there were schemes stay right.
"""

from collections.abc import Mapping
from typing import Any, Final

from factory_tui.universe import IndexFn, Row, SeedTables

from .permission_keys import PROJECT_PERMISSIONS

__all__ = [
    "ADMIN_ROLE",
    "CONFIG_TABLES",
    "DEFAULTS",
    "DEFAULT_SCREEN",
    "ISSUE_INDEXES",
    "config_tables",
    "scheme_of",
]

ADMIN_ROLE: Final = "10002"
DEFAULT_SCREEN: Final = "1"


def _by(field: str) -> IndexFn:
    return lambda _key, row: row[field]


CONFIG_TABLES: Final[Mapping[str, Mapping[str, IndexFn]]] = {
    "customfields": {},
    "contexts": {"field": _by("field")},
    "options": {"context": _by("context")},
    "screens": {},
    "screenschemes": {},
    "typescreenschemes": {},
    "fieldconfigs": {},
    "fieldschemes": {},
    "typeschemes": {},
    "workflows": {"name": _by("name")},
    "workflowschemes": {},
    "permissionschemes": {},
    "securityschemes": {},
    "securitylevels": {"scheme": _by("scheme")},
    "priorityschemes": {},
    "roles": {},
    "actors": {"project": _by("project")},
    "tasks": {},
    "plans": {},
    "uimodifications": {},
    "appoptions": {"field": _by("field")},
    "associations": {},
    "templates": {},
    "views": {},
    "workflowversions": {},
    "precomputations": {},
}

ISSUE_INDEXES: Final[Mapping[str, IndexFn]] = {
    name: lambda _key, row, name=name: row[name]  # type: ignore[misc]
    for name in ("status", "assignee", "reporter", "creator", "type", "priority")
}
"""What JQL looks issues up by, besides project, key and parent. Built at first use."""

DEFAULTS: Final = {
    "permission_scheme": ("permissionschemes", "0"),
    "security_scheme": ("securityschemes", ""),
    "workflow_scheme": ("workflowschemes", "10000"),
    "type_scheme": ("typeschemes", "10000"),
    "screen_scheme": ("typescreenschemes", "1"),
    "field_scheme": ("fieldschemes", "10000"),
    "priority_scheme": ("priorityschemes", "1"),
}
"""What a project's row calls a scheme, to its table and the default's id."""


def scheme_of(project: Mapping[str, Any], kind: str) -> str:
    """The id of a project's scheme of a kind, "" for none."""
    return str(project.get(kind) or DEFAULTS[kind][1])


def _rule(key: str, **parameters: str) -> dict[str, Any]:
    return {"ruleKey": key, "parameters": parameters}


def _default_workflow(transitions: Mapping[Any, Row], statuses: Mapping[Any, Row]) -> Row:
    resolve = [_rule("system:update-field", field="resolution", value="10000")]
    clear = [_rule("system:update-field", field="resolution", value="")]
    first = next(iter(statuses))
    rows = [
        {
            "id": "1",
            "name": "Create",
            "description": "",
            "type": "INITIAL",
            "from": [],
            "to": first,
            "conditions": None,
            "validators": [],
            "actions": [],
            "screen": "",
            "properties": {},
        }
    ]
    for row in transitions.values():
        done = statuses[row["to"]]["category"] == "done"
        rows.append(
            {
                "id": row["id"],
                "name": row["name"],
                "description": "",
                "type": "DIRECTED",
                "from": list(row["from"]),
                "to": row["to"],
                "conditions": None,
                "validators": [],
                "actions": resolve if done else clear,
                "screen": "",
                "properties": {},
            }
        )
    return {
        "id": "c6c7e6b0-19c4-4516-9a47-93f76124d4d4",
        "name": "jira",
        "description": "The default Jira workflow.",
        "statuses": [{"id": key, "properties": {}} for key in statuses],
        "transitions": rows,
        "default": True,
        "editable": False,
        "created": None,
        "updated": None,
        "version": 1,
    }


def config_tables(seeded: SeedTables, screen_fields: list[str]) -> SeedTables:
    """The first rows of the tables of this module.

    Args:
        seeded: The rows of the site: issue types, statuses, transitions, priorities.
        screen_fields: Ids of the fields on the default screen, in their order.
    """
    types = list(seeded["issuetypes"])
    workflow = _default_workflow(seeded["transitions"], seeded["statuses"])
    grants = [
        {"id": 10000 + n, "permission": key, "type": "applicationRole", "parameter": ""}
        for n, key in enumerate(PROJECT_PERMISSIONS)
        if key != "ADMINISTER_PROJECTS"
    ]
    grants.append(
        {
            "id": 10100,
            "permission": "ADMINISTER_PROJECTS",
            "type": "projectRole",
            "parameter": ADMIN_ROLE,
        }
    )
    screens = (
        (DEFAULT_SCREEN, "Default Screen", "Allows to update all system fields.", screen_fields),
        (
            "2",
            "Workflow Screen",
            "This screen is used in the workflow and enables you to assign issues.",
            ["assignee"],
        ),
        (
            "3",
            "Resolve Issue Screen",
            "Allows to set resolution, change fix versions and assign an issue.",
            ["resolution", "fixVersions", "assignee"],
        ),
    )
    return {
        "customfields": {},
        "contexts": {},
        "options": {},
        "screens": {
            key: {
                "id": key,
                "name": name,
                "description": text,
                "tabs": [{"id": 10000 + int(key), "name": "Field Tab", "fields": fields}],
            }
            for key, name, text, fields in screens
        },
        "screenschemes": {
            "1": {
                "id": "1",
                "name": "Default Screen Scheme",
                "description": "Default Screen Scheme",
                "screens": {"default": DEFAULT_SCREEN},
            }
        },
        "typescreenschemes": {
            "1": {
                "id": "1",
                "name": "Default Issue Type Screen Scheme",
                "description": "The default issue type screen scheme",
                "mappings": {"default": "1"},
            }
        },
        "fieldconfigs": {
            "10000": {
                "id": "10000",
                "name": "Default Field Configuration",
                "description": "The default field configuration",
                "items": {},
                "default": True,
            }
        },
        "fieldschemes": {
            "10000": {
                "id": "10000",
                "name": "System Default Field Configuration",
                "description": "",
                "mappings": {"default": "10000"},
                "default": True,
            }
        },
        "typeschemes": {
            "10000": {
                "id": "10000",
                "name": "Default Issue Type Scheme",
                "description": "Default issue type scheme is the list of global issue types.",
                "default_type": types[0],
                "types": types,
                "default": True,
            }
        },
        "workflows": {workflow["id"]: workflow},
        "workflowschemes": {
            "10000": {
                "id": "10000",
                "name": "Default Workflow Scheme",
                "description": "Default Workflow Scheme",
                "default_workflow": workflow["id"],
                "types": {},
                "draft": None,
                "default": True,
                "version": 1,
            }
        },
        "permissionschemes": {
            "0": {
                "id": "0",
                "name": "Default Permission Scheme",
                "description": "This is the default Permission Scheme. Any new projects that are "
                "created will be assigned this scheme.",
                "grants": grants,
            }
        },
        "securityschemes": {},
        "securitylevels": {},
        "priorityschemes": {
            "1": {
                "id": "1",
                "name": "Default priority scheme",
                "description": "This is default scheme used by all projects without any other "
                "scheme assigned",
                "priorities": list(seeded["priorities"]),
                "default_priority": "3",
                "default": True,
            }
        },
        "roles": {
            ADMIN_ROLE: {
                "id": ADMIN_ROLE,
                "name": "Administrators",
                "description": "A project role that represents administrators in a project",
                "users": [],
                "groups": [],
            },
            "10003": {
                "id": "10003",
                "name": "Developers",
                "description": "A project role that represents developers in a project",
                "users": [],
                "groups": [],
            },
        },
        "actors": {},
        "tasks": {},
        "plans": {},
        "uimodifications": {},
        "appoptions": {},
        "associations": {},
        "templates": {},
        "views": {},
        "workflowversions": {},
        "precomputations": {},
    }
