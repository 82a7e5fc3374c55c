"""Atlassian's description of the Jira Cloud platform API, as what answers are checked against."""

import json
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

__all__ = ["WRONG", "Description"]

_URI = "urn:jira"
_METHODS = ("get", "post", "put", "delete", "patch")

WRONG: dict[tuple[str, str], str] = {
    ("getServerInfo", "defaultLocale"): "in the description's example, not in its schema",
    ("getUserEmailBulk", ""): "the description gives one address where the path says bulk",
    ("DynamicModulesResource.getModules_get", "modules"): "modules are told by type, as sent",
    ("bulkFetchIssues", "expand"): "in the description's example, not in its schema",
    ("addGadget", "position"): "the names of row and column are their explanations there",
    ("getAllGadgets", "position"): "the same",
    ("getBulkOperationProgress", "created"): "a text in the schema, a number in the example",
    ("getBulkOperationProgress", "started"): "the same",
    ("getBulkOperationProgress", "updated"): "the same",
    ("getAllFieldConfigurations", "isDefault"): "id and isDefault are in the example only",
    ("getAllFieldConfigurations", "'id'"): "the same",
    ("getIssueSecurityLevelMembers", "holder"): "what is expanded of a holder is only described",
    ("getPermissionSchemeGrant", "holder"): "the same",
    ("getSecurityLevelMembers", "holder"): "the same",
    ("getFiltersPaginated", "isWritable"): "to be expanded, and not in the schema",
    ("getRemoteIssueLinks", ""): "the schema is of one link, the text speaks of all",
}
"""Operation and part of an answer in which the description is wrong, and why it is thought so."""


class Description:
    """The description; null is allowed everywhere, for it never says where null may stand."""

    def __init__(self, path: Path) -> None:
        self._root = json.loads(path.read_text())
        self.operations: dict[str, tuple[str, str, dict[str, Any]]] = {
            item["operationId"]: (method.upper(), path, item)
            for path, methods in self._root["paths"].items()
            for method, item in methods.items()
            if method in _METHODS
        }

    @classmethod
    def find(cls, root: Path) -> "Description | None":
        """The description next to the repository, ``None`` where it is not at hand."""
        path = root.parent / "shared" / "api/jira/platform-v3.openapi.json"
        return _loaded(path) if path.exists() else None

    @cached_property
    def _registry(self) -> Any:
        schemas = {"components": {"schemas": _nullable(self._root["components"]["schemas"])}}
        schemas["$schema"] = "https://json-schema.org/draft/2020-12/schema"  # type: ignore[assignment]
        return Registry().with_resource(_URI, Resource.from_contents(schemas))

    @cache  # noqa: B019 - one description per process
    def _validator(self, operation: str, status: int) -> Any:
        """The check of an answer's body, ``None`` for none, ``False`` for a status not there."""
        responses = self.operations[operation][2]["responses"]
        if str(status) not in responses:
            return False
        content = responses[str(status)].get("content", {})
        schema = content.get("application/json", {}).get("schema")
        if not schema:
            return None
        return Draft202012Validator(_nullable(schema), registry=self._registry)

    def problems(self, operation: str, status: int, body: bytes) -> list[str]:
        """Where an answer of success differs from what is described."""
        if operation not in self.operations or not 200 <= status < 300:
            return []
        validator = self._validator(operation, status)
        if validator is False:
            return [f"{operation}: status {status} is not described"]
        if validator is None or not body:
            return []
        try:
            answer = json.loads(body)
        except ValueError:
            return []  # images and files
        found = []
        for error in validator.iter_errors(answer):
            deep = min(error.context, key=lambda e: -len(e.absolute_path), default=error)
            place = "/".join(str(p) for p in deep.absolute_path if not isinstance(p, int))
            words = deep.message if len(deep.message) < 160 else deep.message[-160:]
            if not _excused(operation, place, words):
                found.append(f"{operation} {place}: {words}")
        return sorted(set(found))

    def words(self, operation: str) -> tuple[list[str], list[str]]:
        """The names that an operation's body may hold, at any depth, and its query parameters."""
        if operation not in self.operations:
            return [], []
        item = self.operations[operation][2]
        found: set[str] = set()
        for content in item.get("requestBody", {}).get("content", {}).values():
            self._collect(content.get("schema", {}), found, 0)
        asked = [row["name"] for row in item.get("parameters", []) if row["in"] == "query"]
        return sorted(found), asked

    def _collect(self, schema: Any, found: set[str], depth: int) -> None:
        if "$ref" in schema and depth < 4:
            name = schema["$ref"].rpartition("/")[2]
            self._collect(self._root["components"]["schemas"][name], found, depth + 1)
        for name, inner in schema.get("properties", {}).items():
            found.add(name)
            self._collect(inner, found, depth + 1)
        for part in [schema.get("items", {}), *schema.get("allOf", []), *schema.get("oneOf", [])]:
            if part and depth < 8:
                self._collect(part, found, depth + 1)


def _excused(operation: str, place: str, words: str) -> bool:
    return (
        any(name in (operation, "*") and part in f"{place} {words}" for name, part in WRONG if part)
        or (operation, "") in WRONG
    )


@cache
def _loaded(path: Path) -> Description:
    return Description(path)


def _nullable(schema: Any) -> Any:
    """The OpenAPI schema as JSON Schema that lets null pass."""
    if isinstance(schema, list):
        return [_nullable(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made: dict[str, Any] = {}
    either = "oneOf" in schema or "anyOf" in schema
    for key, value in schema.items():
        if key == "additionalProperties" and value is False and either:
            continue  # beside alternatives it would forbid every one of them
        if key == "oneOf":
            key = "anyOf"  # told apart by a discriminator, which JSON Schema does not know
        if key in ("example", "examples", "xml", "externalDocs", "discriminator", "format"):
            continue
        if key == "$ref" and isinstance(value, str):
            made[key] = value.replace("#/", f"{_URI}#/")
        elif key == "type" and isinstance(value, str):
            made[key] = [value, "null"]
        elif key == "enum" and isinstance(value, list):
            made[key] = [*value, None]
        elif key == "properties" and isinstance(value, dict):
            made[key] = {name: _nullable(item) for name, item in value.items()}
        else:
            made[key] = _nullable(value)
    return made
