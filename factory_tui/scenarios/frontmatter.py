"""The settings at the top of a scenario file, checked key by key with positions."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

from factory_tui.scenarios.model import SPLITS, Limits, Setup, Split, Trials, UserSpec
from factory_tui.scenarios.operations import declared_names, lint_operation
from factory_tui.scenarios.problems import Problems, nearest
from factory_tui.scenarios.yamlmarks import Tree

__all__ = ["FrontMatter", "read_front_matter", "seconds"]

KEYS: Final = frozenset(
    {"id", "title", "persona", "tags", "weight", "split", "trials", "limits"}
    | {"setup", "user", "faults", "vary", "notes"}
)
VARY: Final = frozenset({"ids", "names", "order", "pages", "clock"})
DRIVES: Final = frozenset({"shell"})
_HITS: Final = frozenset({"twin", "nth", "probability", "times"})
_REQUEST: Final = frozenset({"match", "principal", "headers", "body", "html"})
_STRIKES: Final = frozenset({"reply", "drop", "delay", "reset", "stale", "revoke"})
_EVENT: Final = frozenset({"event", "subscription"})
_ASTRAY: Final = frozenset({"drop", "delay", "duplicate", "reorder", "missign"})
_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_CLOCK: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z", re.ASCII)


def seconds(text: str) -> float | None:
    """``90s``, ``5m``, ``1.5h`` → seconds; ``None`` when it is not a duration."""
    match = re.fullmatch(r"(\d{1,6}(?:\.\d{1,3})?)\s*(ms|s|m|h|d)", text.strip(), re.ASCII)
    return float(match[1]) * _UNITS[match[2]] if match else None


@dataclass(slots=True)
class FrontMatter:
    """What the front matter says, with defaults where it says nothing.

    ``names`` are the entities that ``as:`` declares.
    """

    id: str = ""
    title: str = ""
    persona: str = ""
    tags: tuple[str, ...] = ()
    weight: float = 1.0
    split: Split = "train"
    trials: Trials = field(default_factory=Trials)
    limits: Limits = field(default_factory=Limits)
    setup: Setup = field(default_factory=Setup)
    user: UserSpec | None = None
    faults: tuple[Mapping[str, Any], ...] = ()
    vary: frozenset[str] = frozenset()
    notes: str = ""
    names: frozenset[str] = frozenset()


def read_front_matter(tree: Tree, problems: Problems, twins: Collection[str]) -> FrontMatter:
    """Check the front matter and build what it says.

    Args:
        tree: the YAML.
        problems: where mistakes are noted.
        twins: names of the twins that exist.
    """
    return _Reader(problems, frozenset(twins)).read(tree)


class _Reader:
    def __init__(self, problems: Problems, twins: frozenset[str]) -> None:
        self.problems = problems
        self.twins = twins

    def read(self, tree: Tree) -> FrontMatter:
        out = FrontMatter()
        keys = self.mapping(tree, "the front matter", KEYS)
        for key in ("id", "title"):
            if key not in keys:
                self.problems.error(1, 1, f"missing required key `{key}`")
        if t := keys.get("id"):
            out.id = self.text(t, "id")
            if out.id and not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,63}", out.id):
                self.wrong(t, "`id` is lower-case words joined by `-`", "for example `joiner`")
        if t := keys.get("title"):
            out.title = self.text(t, "title")
        if t := keys.get("persona"):
            out.persona = self.text(t, "persona")
        if t := keys.get("notes"):
            out.notes = self.text(t, "notes")
        if t := keys.get("tags"):
            out.tags = tuple(self.words(t, "tags", None))
        if t := keys.get("vary"):
            out.vary = frozenset(self.words(t, "vary", VARY))
        if t := keys.get("weight"):
            out.weight = self.number(t, "weight", above=0.0) or 1.0
        if t := keys.get("split"):
            word = self.text(t, "split")
            if word in SPLITS:
                out.split = word
            elif word:
                self.wrong(t, f"unknown split `{word}`", nearest(word, SPLITS))
        if t := keys.get("trials"):
            out.trials = self.trials(t)
        if t := keys.get("limits"):
            out.limits = self.limits(t)
        if t := keys.get("setup"):
            out.setup, out.names = self.setup(t)
        if t := keys.get("user"):
            out.user = self.user(t)
        if t := keys.get("faults"):
            out.faults = self.faults(t)
        return out

    # -- kinds of values -----------------------------------------------------------------

    def wrong(self, tree: Tree, message: str, hint: str = "") -> None:
        self.problems.error(tree.line, tree.column, message, hint)

    def mapping(self, tree: Tree, what: str, allowed: Collection[str] | None) -> dict[str, Tree]:
        """The values by key; a value of nothing (``key:``) counts as absent."""
        if tree.kind != "map":
            self.wrong(tree, f"{what} must be `key: value` lines")
            return {}
        known: dict[str, Tree] = {}
        for item in tree.items:
            if item.repeats is not None:
                said = f"`{item.key}` is given twice (first on line {item.repeats})"
                self.problems.error(item.line, item.column, said)
            if allowed is not None and item.key not in allowed:
                where = "" if what == "the front matter" else f" in {what}"
                said = f"unknown key `{item.key}`{where}"
                self.problems.error(item.line, item.column, said, nearest(item.key, allowed))
            elif item.tree.value is not None and item.repeats is None:
                known[item.key] = item.tree
        return known

    def text(self, tree: Tree, what: str) -> str:
        if tree.kind != "scalar" or isinstance(tree.value, bool):
            self.wrong(tree, f"`{what}` must be text", "put it in quotes if it is")
            return ""
        return str(tree.value).strip()

    def number(
        self, tree: Tree, what: str, *, above: float | None = None, whole: bool = False
    ) -> float | None:
        value = tree.value
        kind = "whole number" if whole else "number"
        sign = "positive " if above is not None else ""
        good = isinstance(value, int if whole else (int, float)) and not isinstance(value, bool)
        if not good or (above is not None and value <= above) or value != value:
            shown = repr(value) if tree.kind == "scalar" else f"a {tree.kind}"
            self.wrong(tree, f"`{what}` must be a {sign}{kind}, got {shown}")
            return None
        return cast(float, value)

    def words(self, tree: Tree, what: str, allowed: Collection[str] | None) -> list[str]:
        if tree.kind != "list":
            self.wrong(tree, f"`{what}` must be a list", f"for example `{what}: [a, b]`")
            return []
        found = []
        for element in tree.elements:
            word = self.text(element, what)
            if word and allowed is not None and word not in allowed:
                self.wrong(element, f"unknown `{word}` in `{what}`", nearest(word, allowed))
            elif word:
                found.append(word)
        return found

    def duration(self, tree: Tree, what: str) -> float | None:
        found = seconds(str(tree.value)) if tree.kind == "scalar" else None
        if found is None:
            self.wrong(tree, f"{what} must look like `90s` or `5m`, got {tree.value!r}")
        return found

    # -- blocks --------------------------------------------------------------------------

    def trials(self, tree: Tree) -> Trials:
        keys = self.mapping(tree, "`trials`", {"min", "max", "fixed"})
        given: dict[str, int] = {}
        for key, value in keys.items():
            number = self.number(value, f"trials.{key}", above=0, whole=True)
            if number is not None:
                given[key] = int(number)
        if "fixed" in keys:
            if len(keys) > 1:
                self.wrong(tree, "`trials.fixed` excludes `min` and `max`")
            return Trials(given.get("fixed", 2), given.get("fixed", 2))
        default = Trials()
        low = given.get("min", min(default.min, given.get("max", default.min)))
        high = given.get("max", max(default.max, low))
        if low > high:
            self.wrong(tree, "trials.min is larger than trials.max")
            return default
        return Trials(low, high)

    def limits(self, tree: Tree) -> Limits:
        allowed = {"wall", "turns", "calls", "user_tokens", "judge_tokens", "cost"}
        keys = self.mapping(tree, "`limits`", allowed)
        found: dict[str, Any] = {}
        for key, value in keys.items():
            if key == "wall":
                found[key] = self.duration(value, "limits.wall")
            elif key == "cost":
                found[key] = self.number(value, "limits.cost", above=0)
            else:
                match = re.fullmatch(r"([1-9]\d{0,8})(k?)", str(value.value), re.ASCII)
                if match is None:
                    said = f"limits.{key} must be a whole number such as `800` or `8k`"
                    self.wrong(value, f"{said}, got {value.value!r}")
                else:
                    found[key] = int(match[1]) * (1000 if match[2] else 1)
        return Limits(**found)

    def setup(self, tree: Tree) -> tuple[Setup, frozenset[str]]:
        given = {"clock", "twins", "files", "rate_limits", "strict"}
        keys = self.mapping(tree, "`setup`", given | self.twins)
        setup: dict[str, Any] = {}
        for key in ("rate_limits", "strict"):
            if (flag := keys.get(key)) and not isinstance(flag.value, bool):
                self.wrong(flag, f"`{key}` is `true` or `false`")
            elif flag is not None:
                setup[key] = flag.value
        if clock := keys.get("clock"):
            setup["clock"] = self.text(clock, "clock")
            if not _CLOCK.fullmatch(setup["clock"]):
                self.wrong(clock, "`clock` must look like `2026-03-02T09:00:00Z`")
        if twins := keys.get("twins"):
            setup["seeds"] = self.seeds(twins)
        if files := keys.get("files"):
            setup["files"] = {
                name: self.file(name, value)
                for name, value in self.mapping(files, "`files`", None).items()
            }
        operations: list[tuple[str, str, Any]] = []
        names: set[str] = set()
        for key, value in keys.items():
            if key not in self.twins:
                continue
            blocks = value.elements if value.kind == "list" else (value,)
            for block in blocks:
                for op, args in self.mapping(block, f"`{key}`", None).items():
                    lint_operation(key, op, args, self.problems)
                    names |= declared_names(args)
                    operations.append((key, op, args.value))
        return Setup(operations=tuple(operations), **setup), frozenset(names)

    def seeds(self, tree: Tree) -> dict[str, str]:
        found: dict[str, str] = {}
        for twin, value in self.mapping(tree, "`twins`", self.twins).items():
            seed: Tree | None = value
            if value.kind == "map":
                seed = self.mapping(value, f"`{twin}`", {"seed"}).get("seed")
            if seed is not None:
                found[twin] = self.text(seed, "seed")
        return found

    def file(self, name: str, tree: Tree) -> str:
        if name.startswith("/") or ".." in name.split("/"):
            self.wrong(tree, f"`{name}` is outside the working folder", "use a relative path")
        if tree.kind != "scalar" or not isinstance(tree.value, str):
            self.wrong(tree, f"the content of `{name}` must be text", "write it after `|`")
            return ""
        return tree.value

    def user(self, tree: Tree) -> UserSpec:
        allowed = {"drives", "knows", "hides", "stops_when", "min_turns"}
        keys = self.mapping(tree, "`user`", allowed)
        found: dict[str, Any] = {}
        if drives := keys.get("drives"):
            found["drives"] = tuple(self.words(drives, "drives", DRIVES))
        if turns := keys.get("min_turns"):
            found["min_turns"] = int(self.number(turns, "min_turns", above=0, whole=True) or 1)
        for key in ("knows", "hides", "stops_when"):
            if key in keys:
                found[key] = self.text(keys[key], key)
        if "stops_when" not in keys:
            self.wrong(tree, "`user` needs `stops_when`", "say when this person is finished")
        return UserSpec(**found)

    def faults(self, tree: Tree) -> tuple[Mapping[str, Any], ...]:
        if tree.kind != "list":
            self.wrong(tree, "`faults` must be a list", "`- {twin: jira, match: createIssue, …}`")
            return ()
        return tuple(self.fault(element) for element in tree.elements)

    def fault(self, tree: Tree) -> Mapping[str, Any]:
        """A fault of requests, or with ``event`` of what a twin tells the product."""
        told = tree.kind == "map" and any(item.key == "event" for item in tree.items)
        strikes = _ASTRAY if told else _STRIKES
        keys = self.mapping(tree, "a fault", _HITS | strikes | (_EVENT if told else _REQUEST))
        for key in ("twin", "event" if told else "match"):
            if key not in keys:
                self.wrong(tree, f"a fault needs `{key}`")
        if (twin := keys.get("twin")) and self.text(twin, "twin") not in self.twins:
            self.wrong(twin, f"no twin is called `{twin.value}`", nearest(twin.value, self.twins))
        if keys and not strikes & keys.keys():
            choices = ", ".join(f"`{name}`" for name in sorted(strikes))
            self.wrong(tree, "this fault does nothing", f"add one of {choices}")
        for key in ("body", "html"):
            if key in keys and "reply" not in keys:
                self.wrong(keys[key], f"`{key}` needs `reply`", "say which HTTP status it has")
        drops = (True,) if told else ("before", "after-commit")
        if (drop := keys.get("drop")) and drop.value not in drops:
            said = "`true` for an event" if told else "`before` or `after-commit`"
            self.wrong(drop, f"`drop` is {said}")
        for key in ("html", "reset", "revoke", "reorder", "missign"):
            if (flag := keys.get(key)) and not isinstance(flag.value, bool):
                self.wrong(flag, f"`{key}` is `true` or `false`")
        if (nth := keys.get("nth")) and not _is_nth(nth.value):
            self.wrong(nth, "`nth` is a number from 1, a list of them, or `from N`")
        if reply := keys.get("reply"):
            code = self.number(reply, "reply", above=0, whole=True)
            if code is not None and not 200 <= code <= 599:
                self.wrong(reply, "`reply` is an HTTP status")
        if duplicate := keys.get("duplicate"):
            self.number(duplicate, "duplicate", above=0, whole=True)
        for key in ("delay", "stale", "probability"):
            if value := keys.get(key):
                number = self.number(value, key, above=0)
                if key == "probability" and number is not None and number > 1:
                    self.wrong(value, "`probability` is at most 1")
        if times := keys.get("times"):
            self.number(times, "times", above=0, whole=True)
        if headers := keys.get("headers"):
            for name, value in self.mapping(headers, "`headers`", None).items():
                self.text(value, name)
        return dict(tree.value) if isinstance(tree.value, Mapping) else {}


def _is_nth(value: Any) -> bool:
    def positive(number: Any) -> bool:
        return isinstance(number, int) and not isinstance(number, bool) and number > 0

    if isinstance(value, list):
        return bool(value) and all(positive(v) for v in value)
    if isinstance(value, str):
        return re.fullmatch(r"from [1-9]\d{0,5}", value, re.ASCII) is not None
    return positive(value)
