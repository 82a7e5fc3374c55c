"""A managed resource: one declaration gives list, create, get, replace, delete and lifecycle.

Most of Okta's objects are managed alike: they are made at a collection's path, found by id, have a
status that two operations turn, and their fields are checked. A subclass of :class:`Resource`
declares what differs and overrides a hook where a kind has a will of its own. Operations that only
one kind has are methods of the subclass, marked with ``route`` as in every pack.

All rows are in the table ``things`` under ``(resource, id)``; what Okta shows as the object's own
fields is in ``fields``, what it never shows again (secrets) in ``hidden``.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, ClassVar, Final

from factory_tui.universe import Call, Response, Routes, Row, Twin

from . import changes, errors, seeds
from .base import body_object, listed, now, page
from .described import DESCRIBED
from .expressions import ExpressionError, compile_expression
from .fields import checked

__all__ = ["TAKEN", "Resource", "caller", "hinted", "in_body", "link", "put_thing", "rows_of"]

TAKEN: Final = "An object with this field already exists in the current organization"
_VERBS: Final[dict[str, tuple[str, str]]] = {
    "list": ("GET", "*"),
    "create": ("POST", "*"),
    "get": ("GET", ""),
    "replace": ("PUT", ""),
    "update": ("POST", ""),
    "patch": ("PATCH", ""),
    "delete": ("DELETE", ""),
    "activate": ("POST", "/lifecycle/activate"),
    "deactivate": ("POST", "/lifecycle/deactivate"),
}
_PARAM: Final = re.compile(r"\{[^}]*\}")
_NAMES: Final[dict[tuple[str, str], str]] = {
    (method, _PARAM.sub("{}", template)): operation
    for method, template, operation in (
        line.split(" ", 2) for line in DESCRIBED.strip().splitlines()
    )
}


def hinted(href: str, *allow: str, **more: Any) -> dict[str, Any]:
    """A link with the methods it takes."""
    return {"href": href, **more, "hints": {"allow": list(allow)}}


def link(call: Call, path: str) -> str:
    """The address of a path below ``/api/v1``."""
    return f"{call.request.base_url}/api/v1/{path}"


def caller(call: Call) -> str:
    """The id of the user behind the request's token; "" for an application's token."""
    owner = call.twin["users"].first("login", call.principal.lower())
    return str(owner["id"]) if owner is not None else call.principal


def in_body(
    call: Call, rows: Iterable[Row], default: int = 100
) -> tuple[list[Row], dict[str, dict[str, str]]]:
    """One page of rows, and the link to the next where there is one, for lists inside an object."""
    shown, links = page(call, rows, default, 1000)
    found = {}
    for _, value in links:
        address, _, relation = value.partition(">; ")
        if relation == 'rel="next"':
            found["next"] = {"href": address.lstrip("<")}
    return shown, found


def rows_of(twin: Twin, resource: str, parent: str = "") -> list[Row]:
    """All rows of a resource below a parent, in the order in which they came to be."""
    table = twin["things"]
    return [table[key] for key in table.find("of", (resource, parent))]


def put_thing(
    twin: Twin, resource: str, prefix: str, fields: Row, owner: str = "", **more: Any
) -> Row:
    """Put a new row of a resource.

    Args:
        twin: The state.
        resource: Its name.
        prefix: What ids begin with.
        fields: The object's own fields.
        owner: The id of the object below which it is.
        more: Replaces parts of the row: ``id``, ``status``, ``hidden``; ``by`` is who made it;
            ``keyed`` says that its id is known only below its owner.
    """
    by = more.pop("by", "")
    keyed = more.pop("keyed", False)
    key = more.pop("id", "") or seeds.new_id(twin.ids.mint, prefix)
    when = now(twin)
    row: Row = {
        "id": key,
        "key": f"{owner}/{key}" if keyed else key,
        "n": twin.ids.count("n/things", 1_000_000),
        "kind": resource,
        "parent": owner,
        "status": "ACTIVE",
        "created": when,
        "createdBy": by,
        "lastUpdated": when,
        "lastUpdatedBy": by,
        "fields": fields,
        "hidden": {},
    } | more
    twin["things"].put((resource, row["key"]), row)
    return row


class Resource:
    """One kind of object. Instances carry no state: the same one serves every universe."""

    name: ClassVar[str]
    """Of the rows in the table ``things``."""
    kind: ClassVar[str]
    """As Okta calls it in a 404."""
    path: ClassVar[str]
    """Template of one object; its collection is the path without the last part."""
    prefix: ClassVar[str] = ""
    """Three letters that ids begin with."""
    fields: ClassVar[str] = ""
    """What a body may hold, see :mod:`fields`."""
    verbs: ClassVar[str] = "list create get replace delete activate deactivate"
    stamps: ClassVar[str] = "created lastUpdated"
    """Which of created, createdBy, lastUpdated, lastUpdatedBy an object shows."""
    parent: ClassVar["Resource | None"] = None
    keyed: ClassVar[bool] = False
    """Ids are known only below the parent (a user of an application has the user's id)."""
    created_status: ClassVar[int] = 200
    turned: ClassVar[str] = "object"
    """What activate and deactivate answer: ``object``, ``empty`` ({}), ``nothing`` (204) or
    ``blank`` (200 without a body)."""
    has_status: ClassVar[bool] = True
    sought: ClassVar[str] = ""
    """Fields whose beginning ``q`` looks at; all of their text, if a ``*`` is last."""
    inactive_first: ClassVar[str] = ""
    """The refusal (a sentence) to delete an active object; "" when that is allowed."""
    unique: ClassVar[str] = "name"
    """The field no two objects share, "" for none."""
    allow: ClassVar[str] = "GET PUT DELETE"
    """What the link to itself says one may do; "" for a link without a hint."""
    page_size: ClassVar[int] = 200
    page_most: ClassVar[int] = 200
    """How many are in a page without ``limit``, and with the largest."""
    filters: ClassVar[tuple[str, ...]] = ()
    """What ``filter`` and ``search`` may name; () when the list takes neither."""
    wrapped: ClassVar[str] = ""
    """Name of the list in the object around it; "" where the list stands by itself."""
    event: ClassVar[str] = ""
    """Start of the event types in the system log; "" for a kind that leaves none."""

    # -- routes

    def install(self, routes: Routes[Callable[[Call], Response]]) -> None:
        """Add the handlers of this kind to a pack's routes."""
        for verb in self.verbs.split():
            method, tail = _VERBS[verb]
            template = self.collection if tail == "*" else self.path + tail
            self._add(routes, method, template, getattr(self, f"do_{verb}"))
        for attribute in dir(type(self)):
            function = getattr(type(self), attribute, None)
            for method, template, operation in getattr(function, "_routes", ()):
                handler = partial(_bound, self, attribute)
                self._add(routes, method, template, handler, operation)

    def _add(
        self,
        routes: Routes[Callable[[Call], Response]],
        method: str,
        template: str,
        handler: Callable[[Call], Response],
        operation: str = "",
    ) -> None:
        name = _NAMES.get((method, _PARAM.sub("{}", template)), operation)
        if not name:
            raise TypeError(f"{method} {template} is not described")
        routes.add(method, template, name, handler)

    @property
    def collection(self) -> str:
        """The path of the list."""
        return self.path.rpartition("/")[0]

    # -- finding

    def parent_id(self, call: Call) -> str:
        """The id of the object in whose collection this one is; refuses if it is not there."""
        return str(self.parent.find(call)["id"]) if self.parent is not None else ""

    def param(self) -> str:
        """Name of the path parameter that holds the id."""
        return self.path.rpartition("{")[2].rstrip("}")

    def find(self, call: Call) -> Row:
        """The row the path names; refuses with 404."""
        owner = self.parent_id(call)
        return self.by_key(call, call.params[self.param()], owner)

    def by_key(self, call: Call, key: str, owner: str = "") -> Row:
        """The row of an id below a parent; refuses with 404."""
        row = call.twin["things"].get((self.name, f"{owner}/{key}" if self.keyed else key))
        if row is None or row["parent"] != owner:
            raise errors.not_found(call, key, self.kind)
        return row

    def rows(self, twin: Twin, owner: str = "") -> list[Row]:
        """All rows below a parent."""
        return rows_of(twin, self.name, owner)

    # -- what every object can do

    def do_list(self, call: Call) -> Response:
        """In pages; ``filter``, ``search`` and ``q`` where the kind takes them."""
        rows: Iterable[Row] = self.rows(call.twin, self.parent_id(call))
        rows = self.selected(call, rows)
        known = partial(self._number, call)
        shown, links = page(call, rows, self.page_size, self.page_most, known=known)
        found = [self.shown(call, row) for row in shown]
        return Response.json({self.wrapped: found}) if self.wrapped else listed(found, links)

    def _number(self, call: Call, key: str) -> int | None:
        """The running number of an id: Okta takes ids of managed resources for cursors."""
        row = call.twin["things"].get((self.name, key))
        return None if row is None else int(row["n"])

    def do_create(self, call: Call) -> Response:
        """A new object."""
        owner = self.parent_id(call)
        body = self.body(call)
        row = self.create(call, body, owner)
        self.log(call, "create", row)
        return Response.json(self.shown_new(call, row), self.created_status)

    def do_get(self, call: Call) -> Response:
        """One object."""
        return Response.json(self.shown(call, self.find(call)))

    def do_replace(self, call: Call) -> Response:
        """All fields anew."""
        return self._change(call, whole=True)

    def do_update(self, call: Call) -> Response:
        """Only the fields that are named."""
        return self._change(call, whole=False)

    do_patch = do_update

    def do_delete(self, call: Call) -> Response:
        """204, and with it goes what is below it."""
        row = self.find(call)
        if self.inactive_first and row["status"] == "ACTIVE":
            raise self.refuse_delete(call)
        self.deleting(call, row)
        self.remove(call.twin, row)
        self.log(call, "delete", row)
        return Response(204)

    def do_activate(self, call: Call) -> Response:
        """ACTIVE; no error if it is already."""
        return self._turn(call, "ACTIVE")

    def do_deactivate(self, call: Call) -> Response:
        """INACTIVE; no error if it is already."""
        return self._turn(call, "INACTIVE")

    # -- hooks

    def body(self, call: Call) -> dict[str, Any]:
        """The request's body."""
        return body_object(call)

    def check(self, call: Call, body: dict[str, Any], before: Row | None) -> dict[str, Any]:
        """The fields to keep; refuses what Okta would. ``before`` is the row so far."""
        return checked(call, body, self.fields)

    def shown(self, call: Call, row: Row) -> dict[str, Any]:
        """The object as Okta shows it."""
        shown: dict[str, Any] = {"id": row["id"], **row["fields"]}
        if self.has_status:
            shown["status"] = row["status"]
        for stamp in self.stamps.split():
            shown[stamp] = row[stamp]
        shown["_links"] = self.links(call, row)
        return shown

    def shown_new(self, call: Call, row: Row) -> dict[str, Any]:
        """The object in the answer that creates it; secrets are shown only there."""
        return self.shown(call, row)

    def href(self, call: Call, row: Row) -> str:
        """The address of an object."""
        template = self.path
        values = dict(call.params)
        values[self.param()] = row["id"]
        return call.request.base_url + _PARAM.sub(
            lambda m: str(values.get(m[0][1:-1], row["parent"])), template
        )

    def links(self, call: Call, row: Row) -> dict[str, Any]:
        """Its links: itself, and the lifecycle operation that is possible now."""
        href = self.href(call, row)
        allow = self.allow.split()
        links = {"self": hinted(href, *allow) if allow else {"href": href}}
        if self.has_status and "activate" in self.verbs:
            turn = "deactivate" if row["status"] == "ACTIVE" else "activate"
            links[turn] = hinted(f"{href}/lifecycle/{turn}", "POST")
        return links

    def selected(self, call: Call, rows: Iterable[Row]) -> Iterable[Row]:
        """The rows that ``filter``, ``search`` and ``q`` leave."""
        query = call.request.query
        for name in ("filter", "search"):
            text = query.get(name)
            if text and self.filters:
                operators = "eq co sw ne gt ge lt le pr" if name == "search" else "eq gt ge lt le"
                try:
                    matches = compile_expression(text, name == "filter", self.filters, operators)
                except ExpressionError as problem:
                    raise errors.bad_search(call, str(problem)) from None
                rows = [row for row in rows if matches(self.shown(call, row))]
        wanted = query.get("q", "").casefold()
        if wanted and self.sought:
            rows = [row for row in rows if self._sought_in(row, wanted)]
        return rows

    def _sought_in(self, row: Row, wanted: str) -> bool:
        """Whether one of the fields that ``q`` looks at begins with (or has) a text."""
        for name in self.sought.rstrip("*").split():
            value = row["fields"].get(name)
            for text in value if isinstance(value, list) else [value]:
                said = str(text or "").casefold()
                if said.startswith(wanted) or (self.sought.endswith("*") and wanted in said):
                    return True
        return False

    def deleting(self, call: Call, row: Row) -> None:
        """Refuse to delete an object that is in use."""

    def refuse_delete(self, call: Call) -> Exception:
        """The error for deleting an active object."""
        return errors.invalid(call, self.unique or "id", self.inactive_first)

    def turning(self, call: Call, row: Row, status: str) -> None:
        """Refuse a change of status."""

    def log(self, call: Call, what: str, row: Row) -> None:
        """Leave an event in the system log."""
        if self.event:
            title = row["fields"].get(self.unique or "name") or row["id"]
            target = changes.party(row["id"], self.kind, str(title))
            changes.log_about(call, f"{self.event}.{what}", f"{what.title()} {self.kind}", target)

    # -- changing rows, for the API and for what else makes objects

    def create(self, call: Call, body: dict[str, Any], owner: str = "", **more: Any) -> Row:
        """Check a body and put a new row."""
        kept = self.check(call, body, None)
        self._unique(call, kept, owner, None)
        return self.put_new(call.twin, kept, owner, by=caller(call), **more)

    def put_new(self, twin: Twin, kept: dict[str, Any], owner: str = "", **more: Any) -> Row:
        """Put a new row whose fields are known to be right."""
        return put_thing(twin, self.name, self.prefix, kept, owner, keyed=self.keyed, **more)

    def put(self, call: Call, row: Row, **changed: Any) -> Row:
        """Put a changed copy of a row and stamp it."""
        stamped = {**row, **changed, "lastUpdated": now(call), "lastUpdatedBy": caller(call)}
        call.twin["things"].put((self.name, row["key"]), stamped)
        return stamped

    def remove(self, twin: Twin, row: Row) -> None:
        """Delete a row and everything whose parent it is."""
        things = twin["things"]
        for key in list(things.find("parent", row["id"])):
            # By key, as a child's children go with it.
            below = things.get(key)
            if below is not None:
                self.remove(twin, below)
        things.delete((row["kind"], row["key"]))

    def _change(self, call: Call, *, whole: bool) -> Response:
        row = self.find(call)
        body = self.body(call)
        if not whole:
            body = {**row["fields"], **{k: v for k, v in body.items() if k != "id"}}
        kept = self.check(call, body, row)
        self._unique(call, kept, row["parent"], row["id"])
        row = self.put(call, row, fields=kept)
        self.log(call, "update", row)
        return Response.json(self.shown(call, row))

    def _turn(self, call: Call, status: str) -> Response:
        row = self.find(call)
        self.turning(call, row, status)
        if row["status"] != status:
            row = self.put(call, row, status=status)
            self.log(call, "activate" if status == "ACTIVE" else "deactivate", row)
        if self.turned == "object":
            return Response.json(self.shown(call, row))
        if self.turned == "empty":
            return Response.json({})
        return Response(204 if self.turned == "nothing" else 200)

    def _unique(self, call: Call, kept: Mapping[str, Any], owner: str, own: str | None) -> None:
        value = kept.get(self.unique) if self.unique else None
        if value is None:
            return
        for row in self.rows(call.twin, owner):
            if row["id"] != own and row["fields"].get(self.unique) == value:
                raise self.taken(call)

    def taken(self, call: Call) -> Exception:
        """The error for a value that another object has."""
        return errors.invalid(call, self.unique, f"{self.unique}: {TAKEN}")


def _bound(resource: Resource, attribute: str, call: Call) -> Response:
    response: Response = getattr(resource, attribute)(call)
    return response
