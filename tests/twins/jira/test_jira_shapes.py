"""Answers against Atlassian's published description, where it is at hand."""

import json
from pathlib import Path
from typing import Any

import pytest

DESCRIPTION = Path("api/jira/platform-v3.openapi.json")


@pytest.fixture(scope="module")
def description(request: pytest.FixtureRequest) -> dict[str, Any]:
    path = request.config.rootpath.parent / "shared" / DESCRIPTION
    if not path.exists():
        pytest.skip("Jira's API description is not at hand")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def _unknown(value: Any, schema: Any, root: dict[str, Any], at: str = "") -> list[str]:
    """Places in ``value`` that the schema does not describe, or describes as another type."""
    if "$ref" in schema:
        return _unknown(
            value, root["components"]["schemas"][schema["$ref"].split("/")[-1]], root, at
        )
    if "allOf" in schema and len(schema["allOf"]) == 1:
        return _unknown(value, schema["allOf"][0], root, at)
    if value is None or "oneOf" in schema or "anyOf" in schema:
        return []
    kind = schema.get("type")
    kinds = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int}
    if kind in kinds and not isinstance(value, kinds[kind]):
        return [f"{at}: {type(value).__name__} is not {kind}"]
    if isinstance(value, list):
        return [
            p for n, v in enumerate(value) for p in _unknown(v, schema["items"], root, f"{at}/{n}")
        ]
    if not isinstance(value, dict) or "properties" not in schema:
        return []
    problems = []
    for key, item in value.items():
        if key in schema["properties"]:
            problems += _unknown(item, schema["properties"][key], root, f"{at}/{key}")
        elif schema.get("additionalProperties") is False:
            problems.append(f"{at}/{key}: not described")
    return problems


def test_answers_have_the_described_shape(site: Any, description: dict[str, Any]) -> None:
    key = site.create(labels=["a"], description="x")
    site(f"POST /issue/{key}/comment", {"body": "hi"}, version="2")
    site.raw(f"POST /issue/{key}/transitions", {"transition": {"id": "21"}})
    account = site("GET /myself")["accountId"]
    asked = [
        ("GET", "/serverInfo", "/serverInfo", None),
        ("GET", "/myself", "/myself", None),
        ("GET", "/project", "/project", None),
        ("GET", "/project/search", "/project/search", None),
        ("GET", "/project/{projectIdOrKey}", "/project/IT", None),
        ("GET", "/issue/{issueIdOrKey}", f"/issue/{key}?expand=changelog,names", None),
        ("GET", "/issue/{issueIdOrKey}/comment", f"/issue/{key}/comment", None),
        ("GET", "/issue/{issueIdOrKey}/transitions", f"/issue/{key}/transitions", None),
        ("GET", "/issue/{issueIdOrKey}/changelog", f"/issue/{key}/changelog", None),
        ("GET", "/issue/{issueIdOrKey}/watchers", f"/issue/{key}/watchers", None),
        ("GET", "/issue/{issueIdOrKey}/worklog", f"/issue/{key}/worklog", None),
        ("GET", "/issuetype", "/issuetype", None),
        ("GET", "/priority", "/priority", None),
        ("GET", "/status", "/status", None),
        ("GET", "/field", "/field", None),
        ("GET", "/label", "/label", None),
        ("GET", "/user", f"/user?accountId={account}", None),
        ("GET", "/user/search", "/user/search?query=a", None),
        ("GET", "/issue/createmeta/{projectIdOrKey}/issuetypes",
         "/issue/createmeta/IT/issuetypes", None),
        ("POST", "/search/jql", "/search/jql", {"jql": "project = IT", "fields": ["*all"]}),
        ("POST", "/search/approximate-count", "/search/approximate-count", {"jql": "key = IT-1"}),
    ]  # fmt: skip
    problems = []
    for method, template, path, body in asked:
        answer = site.raw(f"{method} {path}", body)
        assert answer.status == 200, (path, answer.body)
        item = description["paths"][f"/rest/api/3{template}"][method.lower()]
        schema = item["responses"]["200"]["content"]["application/json"]["schema"]
        found = _unknown(answer.data(), schema, description)
        problems += [f"{method} {template} {problem}" for problem in found]
    # The description's example has it, its schema does not.
    assert problems == ["GET /serverInfo /defaultLocale: not described"]


def test_the_operation_table_is_the_description_s(
    description: dict[str, Any], twins_folder: Path
) -> None:
    table = json.loads((twins_folder / "jira" / "operations.json").read_text())
    described = {
        operation["operationId"]
        for item in description["paths"].values()
        for method, operation in item.items()
        if method in ("get", "post", "put", "delete", "patch")
    }
    assert {name for _, _, name in table} == described
