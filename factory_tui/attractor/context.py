"""The key-value store the stages of a run share. Section 5.1 of the Attractor specification."""

import copy
import threading
from collections.abc import Mapping
from typing import Any

from factory_tui.attractor.model import text_of

__all__ = ["Context"]


class Context:
    """Values shared by all stages, and an append-only log.

    Safe to use from several threads: a handler may run its work in one.
    """

    def __init__(self, values: Mapping[str, Any] | None = None) -> None:
        self._values: dict[str, Any] = dict(values or {})
        self._logs: list[str] = []
        self._lock = threading.RLock()

    def set(self, key: str, value: Any) -> None:
        """Set one value; it should be something JSON can hold, so that a checkpoint keeps it."""
        with self._lock:
            self._values[key] = value

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a key, or ``default``."""
        with self._lock:
            return self._values.get(key, default)

    def get_string(self, key: str, default: str = "") -> str:
        """The value of a key as conditions compare it: ``true``/``false`` for booleans."""
        value = self.get(key)
        return default if value is None else text_of(value)

    def pop(self, key: str) -> Any:
        """Take a value out; None where there is none."""
        with self._lock:
            return self._values.pop(key, None)

    def append_log(self, entry: str) -> None:
        """Add a line to the run's log."""
        with self._lock:
            self._logs.append(entry)

    @property
    def logs(self) -> list[str]:
        """A copy of the log."""
        with self._lock:
            return list(self._logs)

    def snapshot(self) -> dict[str, Any]:
        """A deep copy of all values."""
        with self._lock:
            return copy.deepcopy(self._values)

    def clone(self) -> "Context":
        """A deep copy, for a parallel branch."""
        with self._lock:
            twin = Context(copy.deepcopy(self._values))
            twin._logs = list(self._logs)
            return twin

    def apply_updates(self, updates: Mapping[str, Any]) -> None:
        """Merge values in."""
        with self._lock:
            self._values.update(updates)

    def restore(self, values: Mapping[str, Any], logs: list[str]) -> None:
        """Replace everything with what a checkpoint kept."""
        with self._lock:
            self._values = dict(copy.deepcopy(dict(values)))
            self._logs = list(logs)

    def __contains__(self, key: object) -> bool:
        with self._lock:
            return key in self._values
