"""What the administration of schemes shares: rows by id, names that must be free, lists of ids."""

from collections.abc import Callable, Iterable
from typing import Any

from factory_tui.universe import Response, Row

from .context import Context
from .errors import JiraError
from .pages import page
from .tasks import finished, task_link

__all__ = [
    "described",
    "free_name",
    "id_list",
    "listed",
    "named",
    "queried_ids",
    "see_other",
    "sorted_rows",
    "the",
]


def the(c: Context, table: str, key: Any, sentence: str) -> Row:
    """A row by id. Raises 404 with the sentence."""
    row = c[table].get(str(key))
    if row is None:
        raise JiraError(404, sentence)
    return row


def named(body: dict[str, Any], longest: int = 255, *, missing: str = "") -> str:
    """The name that was sent. Raises 400."""
    name = body.get("name")
    if not isinstance(name, str) or not name.strip():
        raise JiraError(400, missing or "The name is required.")
    if len(name) > longest:
        raise JiraError(400, f"The name is too long, maxSize={longest}")
    return name.strip()


def free_name(c: Context, table: str, name: str, sentence: str, own: str = "") -> str:
    """A name that no other row has. Raises 400 with the sentence."""
    for row in c[table].rows():
        if row["name"].lower() == name.lower() and row["id"] != own:
            raise JiraError(400, sentence)
    return name


def described(body: dict[str, Any], otherwise: str = "", longest: int = 4000) -> str:
    """The description that was sent. Raises 400."""
    text = body.get("description")
    if text is None:
        return otherwise
    if not isinstance(text, str):
        raise JiraError(400, "Invalid request payload. Refer to the REST API documentation.")
    if len(text) > longest:
        raise JiraError(400, f"The length of the description must not exceed {longest:,} "
                        "characters.")  # fmt: skip
    return text


def id_list(body: dict[str, Any], name: str, *, empty: bool = False) -> list[str]:
    """A list of ids that was sent, without repetitions. Raises 400."""
    value = body.get(name)
    if not isinstance(value, list) or (not value and not empty):
        raise JiraError(400, f"The {name} must not be empty.")
    if not all(isinstance(item, str | int) and not isinstance(item, bool) for item in value):
        raise JiraError(400, "Invalid request payload. Refer to the REST API documentation.")
    ids = [str(item) for item in value]
    if len(set(ids)) != len(ids):
        raise JiraError(400, f"The {name} must not contain duplicates.")
    return ids


def queried_ids(c: Context, name: str = "id") -> set[str]:
    """Ids in the query; none = everything. Raises 400 for what is no number."""
    found = set(c.query_list(name))
    for value in found:
        if not value.isdecimal():
            raise JiraError(
                400,
                f"{value[:40]} is not a valid value. {name} must be zero or a positive integer.",
            )
    return found


def sorted_rows(c: Context, rows: Iterable[Row], fields: tuple[str, ...] = ("name", "id")) -> Any:
    """Rows by ``orderBy``, the first of the fields unless it is said. Raises 400."""
    order = c.query("orderBy")
    if not order:
        return list(rows)
    field = order.lstrip("+- ")
    if field not in fields:
        raise JiraError(400, f"The 'orderBy' value '{order[:40]}' is not supported.")

    def key(row: Row) -> Any:
        value = row.get(field)
        return int(row["id"]) if field == "id" else str(value if value is not None else "").lower()

    return sorted(rows, key=key, reverse=order.startswith("-"))


def listed(
    c: Context, table: str, shape: Callable[[Row], Any], *, query: str = "queryString"
) -> Response:
    """A page of a table, by ``id``, by a text in the name, ordered as asked."""
    ids = queried_ids(c)
    needle = c.query(query).lower()
    rows = [
        row
        for row in c[table].rows()
        if (not ids or row["id"] in ids) and needle in row["name"].lower()
    ]
    return page(c, sorted_rows(c, rows), shape)


def see_other(c: Context, description: str, result: Any = None) -> Response:
    """303 to the task that carries out what was asked; it is done already."""
    row = finished(c, description, result)
    return Response(303, b"", [("location", task_link(c, row))])
