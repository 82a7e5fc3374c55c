"""Okta's description of the management API, where it lies beside the repository.

It is not part of this project. Answers of operations that the official client does not have yet are
checked against its schemas.
"""

from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from .sdk import bare

__all__ = ["DESCRIPTION", "described", "problem_of", "taking"]

DESCRIPTION = Path(__file__).parents[4] / "shared" / "api" / "okta" / "management.openapi.yaml"


@cache
def _document() -> dict[str, Any]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return dict(yaml.load(DESCRIPTION.read_text(encoding="utf-8"), Loader=loader))


@cache
def _operations() -> dict[tuple[str, str], dict[str, Any]]:
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for path, item in _document()["paths"].items():
        for method, one in item.items():
            if isinstance(one, dict) and "responses" in one:
                found.setdefault((method.upper(), bare(path.partition("#")[0])), one)
    return found


def described(verb: str, path: str) -> bool:
    """Whether an operation is one of the management API's."""
    return (verb, path) in _operations()


def taking(parameter: str) -> list[str]:
    """Bare paths of the reads that take a parameter of the query."""
    known = _document()["components"]["parameters"]
    found = []
    for (verb, path), one in _operations().items():
        given = one.get("parameters", [])
        whole = [known[p["$ref"].rpartition("/")[2]] if "$ref" in p else p for p in given]
        if verb == "GET" and any(p["name"] == parameter for p in whole):
            found.append(path)
    return found


def _nullable(schema: Any) -> Any:
    """The schema as JSON schema has it: ``nullable`` becomes a type."""
    if isinstance(schema, list):
        return [_nullable(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    changed = {name: _nullable(value) for name, value in schema.items()}
    if "oneOf" in changed:
        # The described alternatives are not exclusive: most of their properties are optional.
        changed["anyOf"] = changed.pop("oneOf")
    if isinstance(changed.get("type"), str) and changed.get("nullable"):
        changed["type"] = [changed["type"], "null"]
    return changed


@cache
def _components() -> dict[str, Any]:
    return {"components": {"schemas": _nullable(_document()["components"]["schemas"])}}


def problem_of(verb: str, path: str, status: int, body: Any) -> str:
    """Why an answer is not what is described; "" if it is."""
    one = _operations()[verb, path]
    answers = {code: answer for code, answer in one["responses"].items() if code[0] in "23"}
    if answers and str(status) not in answers:
        return f"{status} is none of {sorted(answers)}"
    content = answers.get(str(status), {}).get("content", {})
    schema = next((part.get("schema") for part in content.values()), None)
    if schema is None:
        return ""
    if body is None:
        return f"{status} should have a body"
    whole = {**_components(), **_nullable(schema)}
    problems = jsonschema.Draft7Validator(whole).iter_errors(body)
    return "; ".join(f"{list(p.path)}: {p.message[:200]}" for p in problems)
