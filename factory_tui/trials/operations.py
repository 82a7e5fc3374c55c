"""What is done with a universe's twins, and what the names mean that this gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from factory_tui.scenarios import Binding
from factory_tui.trials.network import port_of
from factory_tui.universe import Universe

__all__ = ["Operations"]


class Operations:
    """Applies packs' operations.

    Args:
        universe: Whose twins.
        entities: What ``{{name}}`` means; what an ``as:`` names is added.
    """

    def __init__(self, universe: Universe, entities: dict[str, Any]) -> None:
        self.universe = universe
        self.entities = entities

    def know_variables(self) -> None:
        """Let ``{{env.NAME}}`` mean the variables that a program in a box finds."""
        env = self.entities.setdefault("env", {})
        for twin in self.universe.packs:
            url = f"http://127.0.0.1:{port_of(self.universe.packs, twin)}"
            env.update(self.universe.env(twin, url))

    def apply(self, twin: str, op: str, args: Any) -> Any:
        """Change a twin; what an ``as:`` names becomes an entity.

        A pack gives the entities it made as a list in the order of the arguments, or by name.

        Returns:
            What the operation gave.

        Raises:
            ApplyError: it cannot be done.
            BindError: a name means nothing.
        """
        made = self.universe.apply(twin, op, self.bound(args))
        if isinstance(made, Mapping):
            self.entities |= {name: e for name, e in made.items() if isinstance(e, Mapping)}
        elif isinstance(made, list) and isinstance(args, list):
            for asked, entity in zip(args, made, strict=False):
                if isinstance(asked, Mapping) and asked.get("as"):
                    self.entities[asked["as"]] = entity
        return made

    def text(self, text: str) -> str:
        """A text with every ``{{name.field}}`` replaced."""
        return Binding(self.entities)(text)

    def bound(self, value: Any) -> Any:
        """A value with every text in it so replaced."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {k: self.bound(v) for k, v in value.items()}
        if isinstance(value, list):
            return [self.bound(v) for v in value]
        return value
