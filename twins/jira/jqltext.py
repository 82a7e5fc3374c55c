"""JQL trees as text and as the JSON that ``/jql/parse`` answers with."""

import re
from typing import Any, Final

from .jql import (
    KEYWORDS,
    RESERVED,
    Both,
    Call,
    Clause,
    Either,
    Empty,
    Node,
    Not,
    Operand,
    Predicate,
    Query,
    Value,
)

__all__ = ["quoted", "structure", "written"]

_PLAIN: Final = re.compile(r"[\w.:-]+\Z")
_FIELD: Final = re.compile(r"(\w+\.property)\[([^\]]*)\](.*)\Z", re.IGNORECASE | re.DOTALL)


def quoted(text: str) -> str:
    """A value or name, in quotation marks where it needs them."""
    lowered = text.lower()
    if _PLAIN.match(text) and lowered not in RESERVED and lowered not in KEYWORDS:
        return text
    inner = text.replace("\\", "\\\\").replace('"', '\\"')
    for letter, code in (("\n", "\\n"), ("\t", "\\t"), ("\r", "\\r")):
        inner = inner.replace(letter, code)
    return f'"{inner}"'


def _name(field: str) -> str:
    if re.match(r"cf\[\d+\]\Z", field, re.IGNORECASE):
        return field
    match = _FIELD.match(field)
    if match:
        entity, key, path = match.groups()
        return f"{entity}[{quoted(key)}]{path}"
    return quoted(field)


def _operand(operand: Operand) -> str:
    if isinstance(operand, Empty):
        return "EMPTY"
    if isinstance(operand, Call):
        return f"{quoted(operand.name)}({', '.join(quoted(arg) for arg in operand.args)})"
    return quoted(operand.text)


def _side(operands: tuple[Operand, ...], is_list: bool) -> str:
    if is_list:
        return f"({', '.join(_operand(one) for one in operands)})"
    return _operand(operands[0])


def _predicate(predicate: Predicate) -> str:
    return f" {predicate.name} {_side(predicate.operands, len(predicate.operands) > 1)}"


def _clause(clause: Clause) -> str:
    predicates = "".join(_predicate(one) for one in clause.predicates)
    if clause.operator == "changed":
        return f"{_name(clause.field)} changed{predicates}"
    side = _side(clause.operands, clause.is_list)
    return f"{_name(clause.field)} {clause.operator} {side}{predicates}"


def _node(node: Node, outer: int) -> str:
    """A tree; ``outer`` is how tightly what is around it binds."""
    if isinstance(node, Clause):
        return _clause(node)
    if isinstance(node, Not):
        return f"NOT {_node(node.part, 3)}"
    word, level = (" AND ", 2) if isinstance(node, Both) else (" OR ", 1)
    text = word.join(_node(part, level) for part in node.parts)
    return f"({text})" if outer >= level and outer else text


def written(query: Query) -> str:
    """A query as text that parses to the same tree."""
    parts = [] if query.where is None else [_node(query.where, 0)]
    if query.order:
        keys = (
            _name(one.field)
            + ("" if one.descending is None else " DESC" if one.descending else " ASC")
            for one in query.order
        )
        parts.append("ORDER BY " + ", ".join(keys))
    return " ".join(parts)


# -- as JSON


def _field_json(field: str) -> dict[str, Any]:
    match = _FIELD.match(field)
    if match is None:
        return {"name": field, "encodedName": _name(field)}
    entity, key, path = match.groups()
    return {
        "name": entity,
        "encodedName": _name(field),
        "property": [
            {"entity": entity.partition(".")[0], "key": key, "path": path.removeprefix(".")}
        ],
    }


def _operand_json(operands: tuple[Operand, ...], is_list: bool) -> dict[str, Any]:
    if is_list:
        return {
            "values": [_operand_json((one,), False) for one in operands],
            "encodedOperand": _side(operands, True),
        }
    operand = operands[0]
    if isinstance(operand, Value):
        return {"value": operand.text, "encodedValue": _operand(operand)}
    if isinstance(operand, Call):
        return {
            "function": operand.name,
            "arguments": list(operand.args),
            "encodedOperand": _operand(operand),
        }
    return {"keyword": "empty"}


def _node_json(node: Node) -> dict[str, Any]:
    if isinstance(node, Not):
        return {"operator": "not", "clauses": [_node_json(node.part)]}
    if isinstance(node, Both | Either):
        word = "and" if isinstance(node, Both) else "or"
        return {"operator": word, "clauses": [_node_json(part) for part in node.parts]}
    shape: dict[str, Any] = {"field": _field_json(node.field), "operator": node.operator}
    if node.operator != "changed":
        shape["operand"] = _operand_json(node.operands, node.is_list)
    if node.operator == "changed" or node.operator.startswith("was"):
        shape["predicates"] = [
            {
                "operator": one.name,
                "operand": _operand_json(one.operands, len(one.operands) > 1),
            }
            for one in node.predicates
        ]
    return shape


def structure(query: Query) -> dict[str, Any]:
    """A parsed query as ``/jql/parse`` shows it."""
    shape: dict[str, Any] = {}
    if query.where is not None:
        shape["where"] = _node_json(query.where)
    if query.order:
        shape["orderBy"] = {
            "fields": [
                {
                    "field": _field_json(one.field),
                    **(
                        {}
                        if one.descending is None
                        else {"direction": "desc" if one.descending else "asc"}
                    ),
                }
                for one in query.order
            ]
        }
    return shape
