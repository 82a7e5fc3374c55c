"""JSON Schema in the Gemini API's own dialect, where that can say it."""

from collections.abc import Mapping
from typing import Any

__all__ = ["schema_field"]

_JSON_SCHEMA_FIELD = {
    "parameters": "parametersJsonSchema",
    "responseSchema": "responseJsonSchema",
}
_PLAIN_WORDS = frozenset(
    {"type", "format", "title", "description", "nullable", "default", "enum", "properties"}
    | {"required", "items", "minItems", "maxItems", "minimum", "maximum", "minLength"}
    | {"maxLength", "minProperties", "maxProperties", "pattern", "anyOf"}
)


def schema_field(field: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema in the API's own dialect where that can say it, else as JSON Schema."""
    plain = _in_dialect(schema)
    return {field: plain} if plain is not None else {_JSON_SCHEMA_FIELD[field]: dict(schema)}


def _in_dialect(schema: Any) -> dict[str, Any] | None:
    """A schema without words the API's dialect lacks; ``None`` if one of them matters."""
    if not isinstance(schema, Mapping) or isinstance(schema.get("type"), list):
        return None
    plain: dict[str, Any] = {}
    for word, value in schema.items():
        if word == "additionalProperties" and value is False:
            continue  # we check arguments and answers ourselves
        if word not in _PLAIN_WORDS:
            return None
        if word == "properties":
            inner = {name: _in_dialect(one) for name, one in value.items()}
            if None in inner.values():
                return None
            value = inner
        elif word == "items" and (value := _in_dialect(value)) is None:
            return None
        elif word == "anyOf":
            value = [_in_dialect(one) for one in value]
            if None in value:
                return None
        plain[word] = value
    return plain
