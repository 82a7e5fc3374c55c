"""Named stage outputs too large for the context. Section 5.5 of the Attractor specification."""

import json
import re
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from factory_tui.attractor.files import read_json, write_json

__all__ = ["ArtifactInfo", "ArtifactStore"]

FILE_BACKING_THRESHOLD: Final = 100 * 1024
"""Bytes above which an artifact goes to disk."""


@dataclass(frozen=True, slots=True)
class ArtifactInfo:
    """What is known of an artifact without reading it; ``stored_at`` is Unix time in seconds."""

    id: str
    name: str
    size_bytes: int
    stored_at: float
    is_file_backed: bool


class ArtifactStore:
    """JSON-able values by id, in memory or below ``base_dir``; safe for several threads."""

    def __init__(
        self, base_dir: Path | None = None, *, threshold: int = FILE_BACKING_THRESHOLD
    ) -> None:
        self._base, self._threshold = base_dir, threshold
        self._items: dict[str, tuple[ArtifactInfo, Any]] = {}
        self._lock = threading.RLock()

    def store(self, artifact_id: str, name: str, data: Any) -> ArtifactInfo:
        """Keep a value under an id, replacing what was there.

        Raises:
            ValueError: The id is not a plain file name.
        """
        if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}", artifact_id):
            raise ValueError(f"artifact id {artifact_id!r} must be a plain name")
        size = len(json.dumps(data, ensure_ascii=False, default=str).encode("utf-8", "replace"))
        backed = size > self._threshold and self._base is not None
        info = ArtifactInfo(artifact_id, name, size, time.time(), backed)
        with self._lock:
            self.remove(artifact_id)
            if backed:
                path = self._path(artifact_id)
                write_json(path, data)
                data = path
            self._items[artifact_id] = (info, data)
        return info

    def retrieve(self, artifact_id: str) -> Any:
        """The value of an id.

        Raises:
            KeyError: There is none.
        """
        with self._lock:
            if artifact_id not in self._items:
                raise KeyError(f"artifact not found: {artifact_id}")
            info, data = self._items[artifact_id]
        return read_json(data) if info.is_file_backed else data

    def has(self, artifact_id: str) -> bool:
        """Whether there is a value for an id."""
        with self._lock:
            return artifact_id in self._items

    def list(self) -> list[ArtifactInfo]:
        """What there is, oldest first."""
        with self._lock:
            return [info for info, _ in self._items.values()]

    def remove(self, artifact_id: str) -> None:
        """Forget an id; nothing happens where there is none."""
        with self._lock:
            info, _ = self._items.pop(artifact_id, (None, None))
            if info is not None and info.is_file_backed:
                self._path(artifact_id).unlink(missing_ok=True)

    def clear(self) -> None:
        """Forget everything."""
        for info in self.list():
            self.remove(info.id)

    def _path(self, artifact_id: str) -> Path:
        assert self._base is not None
        return self._base / "artifacts" / f"{artifact_id}.json"
