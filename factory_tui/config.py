"""``factory.toml`` → typed settings; every mistake with file, line and the fix.

``load(folder)`` is the only entry. All keys have defaults except ``[factory] spec`` and
``[product] command``. Money is US dollars, times are seconds, sizes are MiB.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from factory_tui.development import Operation, located, read_development

__all__ = [
    "Budget",
    "ConfigError",
    "Feedback",
    "Models",
    "Price",
    "SandboxLimits",
    "Settings",
    "load",
]

FILE = "factory.toml"


class ConfigError(Exception):
    """The settings cannot be used. ``str()`` is one sentence per problem, ready to print."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Price:
    """What a model costs, in US dollars per million tokens."""

    input: Decimal
    output: Decimal
    cache_read: Decimal | None = None
    cache_write: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Models:
    """Which model plays which role.

    ``compact_at``: input tokens beyond which the server is to sum up a conversation (only
    Anthropic's own API can); 0: never.
    """

    builder: str = "claude-opus-5-5"
    judge: str = "claude-sonnet-5-5"
    user: str = "claude-haiku-5-5"
    summary: str = "claude-haiku-5-5"
    max_tokens: int = 16_000
    effort: str = ""
    compact_at: int = 0
    prices: Mapping[str, Price] = field(default_factory=dict)

    def roles(self) -> dict[str, str]:
        """Role → model id."""
        return {r: getattr(self, r) for r in ("builder", "judge", "user", "summary")}


@dataclass(frozen=True, slots=True)
class Budget:
    """What one run may spend; ``None`` is no limit of that kind."""

    tokens: int | None = 3_000_000
    usd: Decimal | None = Decimal("20")
    warn: tuple[float, ...] = (0.75, 0.90)


@dataclass(frozen=True, slots=True)
class SandboxLimits:
    """Limits of one command inside a box."""

    wall: float = 120.0
    memory: int = 1024
    pids: int = 128
    disk: int = 200
    output: int = 8


@dataclass(frozen=True, slots=True)
class Feedback:
    """How much the builder is told (see docs/architecture.md, the vault)."""

    train: str = "symptom"
    holdout: str = "score"


@dataclass(frozen=True, slots=True)
class Settings:
    """One factory, as its ``factory.toml`` describes it. Paths are absolute.

    ``max_rounds``: rounds of tool calls the builder gets per visit of its node; 0 is no limit.
    ``development``: the data set of each of the builder's own twins; ``development_setup``: what
    is done with them, ``None`` where the builder cannot act in them either.
    """

    folder: Path
    name: str
    spec: Path
    scenarios: Path
    twins: Path
    command: str
    packs: tuple[str, ...] = ("okta", "slack", "jira")
    development: Mapping[str, str] = field(default_factory=dict)
    development_setup: tuple[Operation, ...] | None = None
    target: float = 0.9
    max_iterations: int = 8
    max_rounds: int = 0
    pipeline: str = "factory"
    parallel: int = 0
    models: Models = field(default_factory=Models)
    budget: Budget = field(default_factory=Budget)
    sandbox: SandboxLimits = field(default_factory=SandboxLimits)
    feedback: Feedback = field(default_factory=Feedback)

    @property
    def runs(self) -> Path:
        """Where the store and the folders of the runs are."""
        return self.folder / "runs"

    @property
    def store(self) -> Path:
        """The store's file."""
        return self.runs / "factory.db"


def duration(text: object) -> float:
    """``90s``, ``5m``, ``2h``, ``500ms`` or a number of seconds → seconds."""
    if isinstance(text, int | float) and not isinstance(text, bool):
        return float(text)
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h)", str(text).strip())
    if match is None:
        raise ValueError(f"must look like `90s` or `5m`, got {text!r}")
    return float(match[1]) * {"ms": 0.001, "s": 1, "m": 60, "h": 3600}[match[2]]


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"must be a text in quotes, got {value!r}")
    return value


def _count(low: int, high: int) -> Callable[[object], int]:
    def check(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError(f"must be a whole number from {low:,} to {high:,}, got {value!r}")
        return value

    return check


def _share(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1:
        raise ValueError(f"must be a share above 0 and up to 1, such as 0.9, got {value!r}")
    return float(value)


def _money(value: object) -> Decimal:
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        amount = Decimal("NaN")
    if isinstance(value, bool) or not amount.is_finite() or amount < 0:
        raise ValueError(f"must be an amount of US dollars such as 20.00, got {value!r}")
    return amount


def _optional(check: Callable[[object], Any]) -> Callable[[object], Any]:
    def inner(value: object) -> Any:
        return None if value == "none" else check(value)

    return inner


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(v, str) for v in value):
        raise ValueError(f'must be a list of names such as ["okta", "slack"], got {value!r}')
    return tuple(value)


def _percents(value: object) -> tuple[float, ...]:
    ok = isinstance(value, list) and all(
        isinstance(v, int) and not isinstance(v, bool) and 0 < v < 100 for v in value
    )
    if not ok:
        raise ValueError(f"must be a list of percentages such as [75, 90], got {value!r}")
    assert isinstance(value, list)
    return tuple(sorted(v / 100 for v in value))


def _choice(*allowed: str) -> Callable[[object], str]:
    def check(value: object) -> str:
        if value not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}, got {value!r}")
        return str(value)

    return check


def _prices(value: object) -> dict[str, Price]:
    if not isinstance(value, dict):
        raise ValueError(f"must be tables of prices, one per model, got {value!r}")
    prices = {}
    for model, row in value.items():
        if not isinstance(row, dict) or not {"input", "output"} <= set(row):
            raise ValueError(f"needs `input` and `output` for {model!r}, in dollars per million")
        unknown = set(row) - {"input", "output", "cache_read", "cache_write"}
        if unknown:
            raise ValueError(f"has the unknown key {sorted(unknown)[0]!r} for {model!r}")
        prices[model] = Price(**{k: _money(v) for k, v in row.items()})
    return prices


_MANY = 10**12
_KEYS: dict[str, dict[str, Callable[[object], Any]]] = {
    "factory": {
        "name": _text,
        "spec": _text,
        "scenarios": _text,
        "target": _share,
        "max_iterations": _count(1, 1000),
        "max_rounds": _count(0, 10_000),
        "pipeline": _text,
    },
    "product": {"command": _text},
    "budget": {
        "tokens": _optional(_count(0, _MANY)),
        "usd": _optional(_money),
        "warn": _percents,
    },
    "models": {
        "builder": _text,
        "judge": _text,
        "user": _text,
        "summary": _text,
        "max_tokens": _count(256, 128_000),
        "compact_at": _count(0, 10_000_000),
        "effort": _choice("", "low", "medium", "high", "xhigh", "max"),
        "prices": _prices,
    },
    "twins": {"folder": _text, "packs": _texts, "development": read_development},
    "trials": {"parallel": _count(0, 512)},
    "sandbox": {
        "wall": duration,
        "memory": _count(64, 1 << 20),
        "pids": _count(8, 100_000),
        "disk": _count(1, 1 << 20),
        "output": _count(1, 1024),
    },
    "feedback": {
        "train": _choice("score", "tags", "symptom", "excerpt"),
        "holdout": _choice("score"),
    },
}


def _near(word: str, known: Mapping[str, object]) -> str:
    close = difflib.get_close_matches(word, known, 1, 0.6)
    return f"did you mean `{close[0]}`?" if close else f"known: {', '.join(known)}"


def _line_of(text: str, section: str, key: str = "") -> int:
    """The line (from 1) on which a section or one of its keys stands; 1 if it is not found."""
    inside, header = False, 0
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if found := re.match(r"\[+([^\]#]+)\]", stripped):
            path = [part.strip(" \"'") for part in found[1].split(".")]
            inside = path[0] == section
            header = header or (number if inside else 0)
            if inside and key and path[1:2] == [key]:
                return number
        elif inside and key and re.match(rf'"?{re.escape(key)}"?\s*(=|\.)', stripped):
            return number
    return header or 1


def load(folder: Path) -> Settings:
    """Read ``folder/factory.toml``.

    Raises:
        ConfigError: the file is missing or any of it cannot be used; all problems at once.
    """
    path = folder / FILE
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(
            [f"{path}: no factory here; run `factory-tui init` to create one"]
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path}: cannot be read: {error}"]) from None
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        where = re.search(r"line (\d+)", str(error))
        line = where[1] if where else str(len(text.splitlines()) or 1)
        raise ConfigError([f"{path}:{line}: not valid TOML: {error}"]) from None

    problems: list[str] = []
    values: dict[str, dict[str, Any]] = {name: {} for name in _KEYS}
    for section, table in raw.items():
        line = _line_of(text, section)
        if section not in _KEYS or not isinstance(table, dict):
            problems.append(f"{path}:{line}: unknown section `{section}`; {_near(section, _KEYS)}")
            continue
        for key, value in table.items():
            line = _line_of(text, section, key)
            check = _KEYS[section].get(key)
            if check is None:
                hint = _near(key, _KEYS[section])
                problems.append(f"{path}:{line}: unknown key `{section}.{key}`; {hint}")
                continue
            try:
                values[section][key] = check(value)
            except ValueError as error:
                problems.append(f"{path}:{line}: `{section}.{key}` {error}")
    factory, twins = values["factory"], values["twins"]
    for section, key, example in (
        ("factory", "spec", 'spec = "specs/product.md"'),
        ("product", "command", 'command = "./product"'),
    ):
        if key not in values[section] and key not in raw.get(section, {}):
            line = _line_of(text, section)
            problems.append(f"{path}:{line}: `{section}.{key}` is missing; add {example}")
    paths = {
        "spec": folder / factory.get("spec", "specs"),
        "scenarios": folder / factory.get("scenarios", "scenarios"),
        "twins": folder / twins.get("folder", "twins"),
    }
    if "spec" in factory and not paths["spec"].is_file():
        line = _line_of(text, "factory", "spec")
        problems.append(f"{path}:{line}: the spec {paths['spec']} does not exist; create it")
    if not paths["scenarios"].is_dir():
        line = _line_of(text, "factory", "scenarios")
        problems.append(f"{path}:{line}: the folder {paths['scenarios']} does not exist; create it")
    packs = twins.get("packs", Settings.__dataclass_fields__["packs"].default)
    for pack in packs:
        if not (paths["twins"] / pack).is_dir():
            line = _line_of(text, "twins", "packs")
            problems.append(
                f"{path}:{line}: there is no twin pack {paths['twins'] / pack}; "
                "remove it from `twins.packs` or add the folder"
            )
    development, setup = twins.get("development", ({}, None))
    for pack in development:
        if pack not in packs:
            line = _line_of(text, "twins", "development")
            problems.append(
                f"{path}:{line}: `twins.development` names {pack!r}, which is not in "
                f"`twins.packs`; known: {', '.join(packs)}"
            )
    if problems:
        raise ConfigError(problems)
    others = ("target", "max_iterations", "max_rounds", "pipeline")
    optional = {key: factory[key] for key in others if key in factory}
    return Settings(
        folder=folder,
        name=factory.get("name", folder.resolve().name),
        command=values["product"]["command"],
        packs=packs,
        development=development,
        development_setup=None if setup is None else located(setup, text),
        parallel=values["trials"].get("parallel", 0),
        models=Models(**values["models"]),
        budget=Budget(**values["budget"]),
        sandbox=SandboxLimits(**values["sandbox"]),
        feedback=Feedback(**values["feedback"]),
        **paths,
        **optional,
    )
