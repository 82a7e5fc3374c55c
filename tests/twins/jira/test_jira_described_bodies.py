"""Bodies built after the description, mostly right and sometimes not, never make the twin fail."""

import json
from random import Random
from typing import Any

import pytest

from factory_tui.universe import Request, Universe, load_packs
from tests.twins.jira.config_tours import custom_field
from tests.twins.jira.conftest import Site
from tests.twins.jira.described import Description
from tests.twins.jira.tours import Tour

_WORDS = ["IT-1", "IT", "10000", "10001", "10100", "1", "0", "customfield_10050", "default",
          "Task", "TODO", "jira", "project = IT", "2026-01-01", "10002", "x"]  # fmt: skip
_STRAY: list[Any] = [None, True, -1, 3.5, 2**70, "", [], {}, ["x"], {"id": 1}, [None], [[]]]
_DEEPEST = 9


class Bodies:
    """Values that fit a schema, but for one in twenty."""

    def __init__(self, root: dict[str, Any], seed: int) -> None:
        self._schemas = root["components"]["schemas"]
        self.random = Random(seed)

    def fitting(self, schema: dict[str, Any], depth: int = 0) -> Any:
        if "$ref" in schema:
            schema = self._schemas[schema["$ref"].rpartition("/")[2]]
        if depth > _DEEPEST or self.random.random() < 0.05:
            return self.random.choice(_STRAY)
        for word in ("oneOf", "anyOf", "allOf"):
            if word in schema:
                return self.fitting(self.random.choice(schema[word]), depth + 1)
        if "enum" in schema:
            return self.random.choice(schema["enum"])
        kind = schema.get("type")
        if kind == "array":
            count = self.random.randint(0, 2)
            return [self.fitting(schema.get("items", {}), depth + 1) for _ in range(count)]
        if kind == "object" or "properties" in schema:
            needed = schema.get("required", [])
            made = {
                name: self.fitting(part, depth + 1)
                for name, part in schema.get("properties", {}).items()
                if name in needed or self.random.random() < 0.5
            }
            more = schema.get("additionalProperties")
            if isinstance(more, dict):
                made[self.random.choice(_WORDS)] = self.fitting(more, depth + 1)
            return made
        if kind in ("integer", "number"):
            return self.random.choice([10000, 10001, 10100, 0, 1, 2])
        return self.random.random() < 0.5 if kind == "boolean" else self.random.choice(_WORDS)


@pytest.fixture(scope="module")
def furnished(request: pytest.FixtureRequest) -> Universe:
    folder = request.config.rootpath / "twins"
    universe = Universe(load_packs(folder, ["jira"]), {"jira": "acme-12"}, debug=True)
    t = Tour(Site(universe))
    for kind in ("select", "cascadingselect", "float", "textarea", "multiuserpicker"):
        custom_field(t, kind, kind)
    t.issue("One")
    t.issue("Two")
    level = {"name": "L", "members": [{"type": "reporter"}]}
    t("POST /issuesecurityschemes", {"name": "S", "levels": [level]}, 201)
    t("POST /workflowscheme/10000/createdraft", None, 201)
    return universe


@pytest.mark.parametrize("seed", [1, 2, pytest.param(3, marks=pytest.mark.slow)])
def test_bodies_of_the_described_kind(
    furnished: Universe, seed: int, request: pytest.FixtureRequest
) -> None:
    description = Description.find(request.config.rootpath)
    if description is None:
        pytest.skip("Jira's API description is not at hand")
    bodies = Bodies(description._root, seed)
    choose = bodies.random.choice
    auth = f"Bearer {furnished.env('jira', '')['JIRA_TOKEN']}"
    head = {"authorization": auth, "host": "jira", "content-type": "application/json"}
    written = [
        (method, path, next(iter(content.values())).get("schema", {}), item.get("parameters", []))
        for method, path, item in description.operations.values()
        if (content := item.get("requestBody", {}).get("content"))
    ]
    good = 0
    for count in range(2500 if seed < 3 else 30_000):
        if count % 40 == 0:
            universe = furnished.fork()
        method, template, schema, parameters = choose(written)
        path = "/".join(
            choose(_WORDS) if part.startswith("{") else part for part in template.split("/")
        )
        query = "&".join(
            f"{one['name']}={choose(_WORDS)}"
            for one in parameters
            if one.get("in") == "query" and bodies.random.random() < 0.4
        )
        body = json.dumps(bodies.fitting(schema)).encode()
        answer = universe.handle("jira", Request(method, path, query, head, body))
        assert universe.crashes == [], (method, path, query, body, universe.crashes[0])
        assert answer.status < 500 or answer.status == 501
        good += answer.status < 300
    assert good > 100
