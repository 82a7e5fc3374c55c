"""What the official client knows of each operation, read from its own code.

The client picks a model by the exact status of an answer: an answer with a status it does not know
gives ``None`` and no error. So a driver has to know which model an operation's status should give.
"""

import ast
import inspect
import pkgutil
import re
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, get_args, get_origin

__all__ = ["Operation", "bare", "built", "operations"]

_PARAM = re.compile(r"\{[^}]*\}")
_CALL = re.compile(r'method="(\w+)",\s*resource_path="([^"]*)"(?:\s*"([^"]*)")*')
_PATH = re.compile(r'_path_params\[\s*"(\w+)"\s*\]\s*=\s*(\w+)')
_FILE = re.compile(r'_files\[\s*"(\w+)"\s*\]\s*=\s*(\w+)')
_BODY = re.compile(r"_body_params = \(?\s*(\w+)")
_TYPES = re.compile(r"_response_types_map[^=]*= (\{.*?\n\s*\})", re.S)


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of the client.

    Attributes:
        name: Of the method.
        verb: HTTP method.
        path: Template without names: ``/api/v1/apps/{}``.
        params: Arguments that fill the path, in its order.
        body: The argument that is the body, "" for none.
        file: The argument that is a file, "" for none.
        kind: The body's annotation.
        needed: Arguments of the query without which it cannot be called.
        types: The model's name by status; ``None`` where nothing comes back.
    """

    name: str
    verb: str
    path: str
    params: tuple[str, ...]
    body: str
    file: str
    kind: Any
    needed: tuple[str, ...]
    types: dict[str, str | None]


def bare(path: str) -> str:
    """A template without the names of its parameters."""
    return _PARAM.sub("{}", path)


def _read(owner: type, name: str) -> Operation | None:
    source = inspect.getsource(getattr(owner, f"_{name}_serialize"))
    found = re.search(r'method="(\w+)",\s*resource_path=\(?((?:\s*"[^"]*")+)', source)
    if found is None:
        return None
    path = "".join(re.findall(r'"([^"]*)"', found[2]))
    filled = dict(_PATH.findall(source))
    names = tuple(filled[key[1:-1]] for key in _PARAM.findall(path))
    method = getattr(owner, name)
    kinds = inspect.signature(method).parameters
    body = next((b for b in _BODY.findall(source) if b in kinds), "")
    file = next((argument for _, argument in _FILE.findall(source)), "")
    types = _TYPES.search(inspect.getsource(method))
    assert types is not None, name
    known = {*names, body, file, "self"}
    needed = tuple(
        key
        for key, p in kinds.items()
        if p.default is p.empty and key not in known and key[0] != "_"
    )
    kind = kinds[body].annotation if body else None
    return Operation(
        name, found[1], bare(path), names, body, file, kind, needed, ast.literal_eval(types[1])
    )


@cache
def operations() -> dict[tuple[str, str], Operation]:
    """Every operation of the client, by verb and bare path."""
    import okta.api

    found = {}
    for module in pkgutil.iter_modules(okta.api.__path__):
        if not module.name.endswith("_api"):
            continue
        for owner in vars(import_module(f"okta.api.{module.name}")).values():
            if not inspect.isclass(owner) or not owner.__module__.endswith(module.name):
                continue
            for name in dir(owner):
                if name.startswith("_") or f"_{name}_serialize" not in dir(owner):
                    continue
                one = _read(owner, name)
                if one is not None:
                    found[one.verb, one.path] = one
    return found


def built(kind: Any, body: Any) -> Any:
    """A body as the client's method wants it: its own model, where it names one."""
    while get_origin(kind) is not None:
        if get_origin(kind) is list:
            return [built(get_args(kind)[0], one) for one in body]
        kind = get_args(kind)[0]
    return kind.from_dict(body) if hasattr(kind, "from_dict") else body
