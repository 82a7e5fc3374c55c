"""The types of custom fields: what they hold, how callers write it, how it reads.

==================  =====================================================
stored as           types
==================  =====================================================
text                textfield, url, readonlyfield
rich text           textarea
number              float, importid
``2026-03-02``      datepicker
a stamp             datetime
an id               select, radiobuttons, userpicker, version, project
a name              grouppicker
a list of these     multiselect, multicheckboxes, multiuserpicker, multigrouppicker,
                    multiversion, labels
[parent, child]     cascadingselect (the child may be missing)
==================  =====================================================
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any, Final, NamedTuple

from factory_tui.universe import Row

from .adf import MAX_TEXT, NotADocumentError, plain, rich
from .context import Context, stamp
from .errors import bad_field
from .groups_of import group_named, group_reference
from .shapes import project_shape, rich_shape, user_shape, version_shape

__all__ = ["BASIC", "TYPES", "CustomType", "contexts_for", "option_shape", "options_of"]

BASIC: Final = "com.atlassian.jira.plugin.system.customfieldtypes:"


class CustomType(NamedTuple):
    """A type of custom field.

    Attributes:
        label: What administrators read.
        kind: The schema's type.
        items: The schema's type of items, for lists.
        searcher: The searcher a new field gets (without the common prefix).
        default: What the API calls a default value of this type.
        jql: How JQL sees it: see :mod:`.clauses`.
        options: Whether administrators define its choices.
        read: Stored value to JSON.
        write: Sent value to stored value. Raises 400 about the field.
        words: Stored value to the text of the changelog.
    """

    label: str
    kind: str
    items: str
    searcher: str
    default: str
    jql: str
    options: bool
    read: Callable[[Context, Any], Any]
    write: Callable[[Context, Row, str, Any], Any]
    words: Callable[[Context, Any], str]


# -- contexts and options


def contexts_for(c: Context, field: str, project: str, kind: str) -> Row | None:
    """The context of a custom field in a project for an issue type: the closest, or ``None``."""
    table = c["contexts"]
    found: Row | None = None
    for key in table.find("field", field):
        row = table[key]
        if row["types"] and kind not in row["types"]:
            continue
        if project in row["projects"]:
            return row
        if not row["projects"]:
            found = row
    return found


def options_of(c: Context, context: str) -> list[Row]:
    """The options of a context in their order, cascading ones right after their parent."""
    table = c["options"]
    rows = sorted((table[key] for key in table.find("context", context)), key=lambda r: r["n"])
    tops = [row for row in rows if not row["parent"]]
    return [
        one for top in tops for one in (top, *(row for row in rows if row["parent"] == top["id"]))
    ]


def option_shape(c: Context, key: str) -> dict[str, Any]:
    """An option as an issue's field shows it."""
    row = c["options"][key]
    return {"self": f"{c.api}/customFieldOption/{key}", "value": row["value"], "id": key}


def _find_option(c: Context, issue: Row, field: str, value: Any, parent: str = "") -> str:
    if not isinstance(value, dict) or (value.get("id") is None and value.get("value") is None):
        if isinstance(value, dict):
            raise bad_field(
                field, "Could not find valid 'id' or 'value' in the Parent Option object."
            )
        raise bad_field(field, "Specify a valid 'id' or 'name' for " + _name(c, field))
    context = contexts_for(c, field, issue["project"], issue["type"])
    rows = options_of(c, context["id"]) if context else []
    for row in rows:
        if row["disabled"] or row["parent"] != parent:
            continue
        if value.get("id") is not None:
            if str(value["id"]) == row["id"]:
                return str(row["id"])
        elif str(value["value"]).lower() == row["value"].lower():
            return str(row["id"])
    if value.get("id") is not None:
        raise bad_field(field, f"Option id '{str(value['id'])[:60]}' is not valid")
    raise bad_field(field, f"Option value '{str(value['value'])[:60]}' is not valid")


def _name(c: Context, field: str) -> str:
    row = c["customfields"].get(field)
    return str(row["name"]) if row else field


# -- writing


def _text(_c: Context, _issue: Row, field: str, value: Any) -> Any:
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise bad_field(field, "Operation value must be a string")
    if len(value) > 255:
        raise bad_field(
            field, "The entered text is too long. It exceeds the allowed limit of 255 characters."
        )
    return value


def _read_only(c: Context, _issue: Row, field: str, _value: Any) -> Any:
    raise bad_field(field, f"Field '{field}' of type '{_name(c, field)}' is read only.")


def _url(c: Context, issue: Row, field: str, value: Any) -> Any:
    text = _text(c, issue, field, value)
    if text is not None and not re.match(r"(https?|ftp|file|mailto)://?\S+\Z", text, re.IGNORECASE):
        raise bad_field(field, "Not a valid URL")
    return text


def _rich(c: Context, _issue: Row, field: str, value: Any) -> Any:
    try:
        stored = rich(value, v3=c.v3)
    except NotADocumentError as error:
        wanted = "an Atlassian Document (see the Atlassian Document Format)" if c.v3 else "a string"
        raise bad_field(field, f"Operation value must be {wanted}") from error
    if len(plain(stored)) > MAX_TEXT:
        raise bad_field(
            field,
            "The entered text is too long. It exceeds the allowed limit of 32,767 characters.",
        )
    return stored


def _number(_c: Context, _issue: Row, field: str, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise bad_field(field, "Operation value must be a number")
    if abs(value) > 1e14:
        raise bad_field(field, "Number value cannot be outside of [-100000000000000,"
                        "100000000000000].")  # fmt: skip
    return float(value)


def _date(_c: Context, _issue: Row, field: str, value: Any) -> Any:
    if value in (None, ""):
        return None
    if not isinstance(value, str):
        raise bad_field(field, "Operation value must be a string")
    try:
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
            raise ValueError(value)
        return date.fromisoformat(value).isoformat()
    except ValueError as error:
        raise bad_field(field, "Error parsing date string: " + value[:40]) from error


def _datetime(_c: Context, _issue: Row, field: str, value: Any) -> Any:
    if value in (None, ""):
        return None
    if not isinstance(value, str):
        raise bad_field(field, "Operation value must be a string")
    text = re.sub(r"([+-]\d{2})(\d{2})\Z", r"\1:\2", value.replace("Z", "+00:00"))
    try:
        if "T" not in text:
            raise ValueError(value)
        found = datetime.fromisoformat(text)
        return stamp((found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC))
    except (ValueError, OverflowError) as error:
        raise bad_field(field, "Error parsing date string: " + value[:40]) from error


def _option(c: Context, issue: Row, field: str, value: Any) -> Any:
    if value is None or (isinstance(value, dict) and value.get("value", value.get("id")) is None):
        return None
    return _find_option(c, issue, field, value)


def _cascade(c: Context, issue: Row, field: str, value: Any) -> Any:
    if value is None:
        return None
    parent = _find_option(c, issue, field, value)
    child = value.get("child")
    if child is None:
        return [parent]
    return [parent, _find_option(c, issue, field, child, parent)]


def _user(c: Context, _issue: Row, field: str, value: Any) -> Any:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise bad_field(field, "data was not an object")
    if all(item is None for item in value.values()):
        return None
    row = c.find_account(value)
    if row is None:
        raise bad_field(field, "Specify a valid value for " + _name(c, field))
    return row["id"]


def _group(c: Context, _issue: Row, field: str, value: Any) -> Any:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise bad_field(field, "data was not an object")
    found = group_named(c, value)
    if found is None:
        shown = value.get("name", value.get("groupId"))
        raise bad_field(field, f"Group '{str(shown)[:60]}' does not exist.")
    return found


def _version(c: Context, issue: Row, field: str, value: Any) -> Any:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise bad_field(field, "data was not an object")
    for key in c["versions"].find("project", issue["project"]):
        row = c["versions"][key]
        if str(value.get("id")) == row["id"] or value.get("name") == row["name"]:
            return row["id"]
    shown = value.get("name", value.get("id"))
    raise bad_field(field, f"Version name '{str(shown)[:60]}' is not valid")


def _project(c: Context, _issue: Row, field: str, value: Any) -> Any:
    if value is None:
        return None
    reference = value.get("id") or value.get("key") if isinstance(value, dict) else None
    found = c.find_project(str(reference)) if reference else None
    if found is None:
        raise bad_field(field, "Specify a valid project ID or key")
    return found["id"]


def _labels(_c: Context, _issue: Row, field: str, value: Any) -> Any:
    if value is None:
        return None
    if not isinstance(value, list):
        raise bad_field(field, "data was not an array")
    for at, label in enumerate(value):
        if not isinstance(label, str):
            raise bad_field(field, f"string expected at index {at}")
        if " " in label or not label:
            raise bad_field(field, f"The label '{label}' contains spaces which is invalid.")
        if len(label) > 255:
            raise bad_field(field, f"The label '{label}' exceeds the maximum length of 255.")
    return sorted(set(value)) or None


def _many(
    one: Callable[[Context, Row, str, Any], Any],
) -> Callable[[Context, Row, str, Any], Any]:
    def write(c: Context, issue: Row, field: str, value: Any) -> Any:
        if value is None:
            return None
        if not isinstance(value, list):
            raise bad_field(field, "data was not an array")
        found = dict.fromkeys(one(c, issue, field, item) for item in value if item is not None)
        return [item for item in found if item is not None] or None

    return write


# -- reading


def _as_is(_c: Context, value: Any) -> Any:
    return value


def _cascade_shape(c: Context, value: Any) -> Any:
    shape = option_shape(c, value[0])
    return {**shape, "child": option_shape(c, value[1])} if len(value) > 1 else shape


def _version_read(c: Context, value: str) -> Any:
    row = c["versions"].get(value)
    return version_shape(c, row) if row else None


def _project_read(c: Context, value: str) -> Any:
    row = c["projects"].get(value)
    return project_shape(c, row) if row else None


def _list_of(one: Callable[[Context, Any], Any]) -> Callable[[Context, Any], Any]:
    return lambda c, value: [shape for item in value if (shape := one(c, item)) is not None]


def _option_read(c: Context, value: str) -> Any:
    return option_shape(c, value) if value in c["options"] else None


# -- words of the changelog


def _plain_words(_c: Context, value: Any) -> str:
    return str(value)


def _number_words(_c: Context, value: Any) -> str:
    return f"{value:g}"


def _option_words(c: Context, value: Any) -> str:
    keys = value if isinstance(value, list) else [value]
    return ",".join(c["options"][key]["value"] for key in keys if key in c["options"])


def _cascade_words(c: Context, value: Any) -> str:
    parent = c["options"][value[0]]["value"]
    words = f"Parent values: {parent}({value[0]})"
    if len(value) > 1:
        words += f"Level 1 values: {c['options'][value[1]]['value']}({value[1]})"
    return words


def _user_words(c: Context, value: Any) -> str:
    rows = [c["users"].get(key) for key in (value if isinstance(value, list) else [value])]
    return ", ".join(f"{row['first']} {row['last']}".strip() for row in rows if row)


def _named_words(table: str) -> Callable[[Context, Any], str]:
    def words(c: Context, value: Any) -> str:
        keys = value if isinstance(value, list) else [value]
        return ", ".join(c[table][key]["name"] for key in keys if key in c[table])

    return words


def _joined(_c: Context, value: Any) -> str:
    return " ".join(value) if isinstance(value, list) else str(value)


TYPES: Final[dict[str, CustomType]] = {
    BASIC + "textfield": CustomType(
        "Short text (plain text only)", "string", "", "textsearcher", "textfield", "text", False,
        _as_is, _text, _plain_words),
    BASIC + "textarea": CustomType(
        "Paragraph (supports rich text)", "string", "", "textsearcher", "textarea", "rich", False,
        rich_shape, _rich, lambda _c, value: plain(value)),
    BASIC + "readonlyfield": CustomType(
        "Text Field (read only)", "string", "", "textsearcher", "readonly", "text", False,
        _as_is, _read_only, _plain_words),
    BASIC + "url": CustomType(
        "URL Field", "string", "", "exacttextsearcher", "url", "exact", False,
        _as_is, _url, _plain_words),
    BASIC + "float": CustomType(
        "Number Field", "number", "", "exactnumber", "float", "number", False,
        _as_is, _number, _number_words),
    BASIC + "importid": CustomType(
        "Import Id", "number", "", "exactnumber", "float", "number", False,
        _as_is, _number, _number_words),
    BASIC + "datepicker": CustomType(
        "Date Picker", "date", "", "daterange", "datepicker", "date", False,
        _as_is, _date, _plain_words),
    BASIC + "datetime": CustomType(
        "Date Time Picker", "datetime", "", "datetimerange", "datetimepicker", "date", False,
        _as_is, _datetime, _plain_words),
    BASIC + "select": CustomType(
        "Select List (single choice)", "option", "", "multiselectsearcher", "option.single",
        "option", True, _option_read, _option, _option_words),
    BASIC + "radiobuttons": CustomType(
        "Radio Buttons", "option", "", "multiselectsearcher", "option.single", "option", True,
        _option_read, _option, _option_words),
    BASIC + "multiselect": CustomType(
        "Select List (multiple choices)", "array", "option", "multiselectsearcher",
        "option.multiple", "option", True, _list_of(_option_read), _many(_option), _option_words),
    BASIC + "multicheckboxes": CustomType(
        "Checkboxes", "array", "option", "multiselectsearcher", "option.multiple", "option", True,
        _list_of(_option_read), _many(_option), _option_words),
    BASIC + "cascadingselect": CustomType(
        "Select List (cascading)", "option-with-child", "", "cascadingselectsearcher",
        "option.cascading", "cascade", True, _cascade_shape, _cascade, _cascade_words),
    BASIC + "userpicker": CustomType(
        "User Picker (single user)", "user", "", "userpickergroupsearcher", "single.user.select",
        "user", False, user_shape, _user, _user_words),
    BASIC + "multiuserpicker": CustomType(
        "User Picker (multiple users)", "array", "user", "userpickergroupsearcher",
        "multi.user.select", "user", False, _list_of(user_shape), _many(_user), _user_words),
    BASIC + "grouppicker": CustomType(
        "Group Picker (single group)", "group", "", "grouppickersearcher", "grouppicker.single",
        "group", False, group_reference, _group, _plain_words),
    BASIC + "multigrouppicker": CustomType(
        "Group Picker (multiple groups)", "array", "group", "grouppickersearcher",
        "grouppicker.multiple", "group", False, _list_of(group_reference), _many(_group), _joined),
    BASIC + "labels": CustomType(
        "Labels", "array", "string", "labelsearcher", "labels", "label", False,
        _as_is, _labels, _joined),
    BASIC + "version": CustomType(
        "Version Picker (single version)", "version", "", "versionsearcher", "version.single",
        "versions", False, _version_read, _version, _named_words("versions")),
    BASIC + "multiversion": CustomType(
        "Version Picker (multiple versions)", "array", "version", "versionsearcher",
        "version.multiple", "versions", False, _list_of(_version_read), _many(_version),
        _named_words("versions")),
    BASIC + "project": CustomType(
        "Project Picker (single project)", "project", "", "projectsearcher", "project",
        "projects", False, _project_read, _project, _named_words("projects")),
}  # fmt: skip
"""Type key to type."""
