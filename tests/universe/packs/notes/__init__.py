"""A small pack for the kernel's own tests: notes that belong to people."""

from collections.abc import Mapping
from typing import Any, ClassVar

from factory_tui.universe import (
    ApplyError,
    Call,
    Pack,
    Refused,
    Request,
    Response,
    Row,
    Seed,
    SeedTables,
    Twin,
    op,
    route,
)


class Notes(Pack):
    name = "notes"
    tables: ClassVar = {"notes": {"owner": lambda key, row: row["owner"]}}

    def __init__(self) -> None:
        super().__init__()
        self.routes.add("GET", "/notes/{id}/history", "getHistory")

    def seed(self, seed: Seed) -> SeedTables:
        return {
            "notes": {
                f"n{i}": {"id": f"n{i}", "owner": person.email, "tags": ["seed"]}
                for i, person in enumerate(seed.org.people)
            }
        }

    def principal(self, twin: Twin, request: Request) -> str:
        return "bot" if request.headers.get("authorization") == "Bearer t0p" else ""

    def before(self, call: Call) -> Response | None:
        return None if call.principal else self.error(401, "not_authed")

    def finish(self, call: Call, response: Response) -> None:
        response.headers.append(("x-request-id", call.twin.ids.mint("request", 12)))

    def fault_response(self, call: Call, status: int, headers: Mapping[str, str]) -> Response:
        return self.error(status, f"fault_{status}")

    def gap_response(self, call: Call) -> Response:
        return self.error(501, "not_implemented")

    def unknown_response(self, call: Call) -> Response:
        return self.error(405 if call.allowed else 404, "unknown")

    def env(self, twin: Twin, url: str) -> dict[str, str]:
        return {"NOTES_URL": url}

    def view(self, twin: Twin) -> dict[str, list[Row]]:
        return {"notes": [dict(row) for row in twin["notes"].rows()]}

    def error(self, status: int, code: str) -> Response:
        return Response.json({"error": code}, status)

    @route("GET", "/notes", "listNotes")
    def list_notes(self, call: Call) -> Response:
        return Response.json(list(call.twin["notes"].rows()))

    @route("GET", "/notes/{id}", "getNote")
    def get_note(self, call: Call) -> Response:
        row = call.twin["notes"].get(call.params["id"])
        if row is None:
            raise Refused(self.error(404, "no_such_note"))
        return Response.json(row)

    @route("POST", "/notes", "createNote")
    def create_note(self, call: Call) -> Response:
        key = call.twin.ids.mint("note", 8, prefix="n")
        row = {"id": key, "owner": call.principal, "tags": [], "at": call.twin.clock.iso()}
        call.twin["notes"].put(key, row)
        return Response.json(row, 201)

    @route("DELETE", "/notes/{id}", "deleteNote")
    def delete_note(self, call: Call) -> Response:
        call.twin["notes"].delete(call.params["id"])
        return Response(204)

    @route("POST", "/notes/{id}/tags", "addTag")
    def add_tag(self, call: Call) -> Response:
        draft = call.twin["notes"].draft(call.params["id"])
        draft["tags"].append(call.request.query.get("tag", ""))
        call.twin["notes"].put(draft["id"], draft)
        return Response.json(draft)

    @route("POST", "/notes/{id}/spoil", "spoil")
    def spoil(self, call: Call) -> Response:
        """What a pack must not do: change a row in place."""
        call.twin["notes"][call.params["id"]]["tags"].append("spoiled")
        return Response(204)

    @op("rename_owner")
    def rename_owner(self, twin: Twin, args: dict[str, Any]) -> str:
        keys = twin["notes"].find("owner", args["from"])
        if not keys:
            raise ApplyError(f"nobody owns a note as {args['from']}")
        for key in keys:
            draft = twin["notes"].draft(key)
            draft["owner"] = args["to"]
            twin["notes"].put(key, draft)
        return str(args["to"])


PACK = Notes()
