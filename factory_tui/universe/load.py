"""Finding and importing twin packs."""

import importlib.util
import sys
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path

from factory_tui.universe.pack import Pack

__all__ = ["PackError", "load_packs"]


class PackError(ValueError):
    """A pack is not there or does not load; the message is one sentence."""


def load_packs(folder: Path, names: Iterable[str]) -> dict[str, Pack]:
    """Import ``folder/<name>/__init__.py`` for each name and take its ``PACK``.

    The module is kept under a name of its own, so two factories may have packs of the same
    name; loading one twice gives the same object. Raises :class:`PackError`.
    """
    return {name: _load(folder.resolve() / name, name) for name in names}


def _load(folder: Path, name: str) -> Pack:
    entry = folder / "__init__.py"
    if not name.isidentifier() or not entry.is_file():
        raise PackError(f'there is no twin pack "{name}" in {folder.parent}')
    digest = blake2b(str(folder).encode(), digest_size=4).hexdigest()
    module_name = f"factory_twin_{name}_{digest}"
    module = sys.modules.get(module_name)
    if module is None:
        spec = importlib.util.spec_from_file_location(
            module_name, entry, submodule_search_locations=[str(folder)]
        )
        if spec is None or spec.loader is None:
            raise PackError(f'twin pack "{name}" cannot be imported from {entry}')
        module = importlib.util.module_from_spec(spec)
        sys.modules[module_name] = module
        try:
            spec.loader.exec_module(module)
        except Exception as error:
            del sys.modules[module_name]
            raise PackError(f'twin pack "{name}" does not load: {error}') from error
    pack = getattr(module, "PACK", None)
    if not isinstance(pack, Pack) or pack.name != name:
        raise PackError(f'twin pack "{name}" has no PACK of that name in {entry}')
    return pack
