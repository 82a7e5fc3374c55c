"""Writes twin packs as one runnable file: kernel, packs and the libraries they need.

The file is a zipapp. Some of the libraries are compiled, and those cannot be imported from an
archive, so it unpacks itself into the user's cache at its first start. It runs wherever the
same Python and platform are that it was written with, and says so elsewhere.
"""

import ast
import sys
import sysconfig
import zipapp
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from importlib import metadata
from pathlib import Path
from shutil import copy2, copytree, ignore_patterns
from tempfile import TemporaryDirectory
from typing import Final

from factory_tui.universe.load import PackError

__all__ = ["write_bundle"]

_CORE: Final = ("httptools", "orjson", "uvicorn", "websockets", "uvloop")
_OPTIONAL: Final = frozenset({"uvloop"})
_IGNORED = ignore_patterns("__pycache__", "*.pyc", "generate.py", "tests")

_START: Final = '''"""Unpacks into the user's cache once, then serves the twins."""

import os, sys, sysconfig, tempfile, zipfile
from pathlib import Path

NAMES, DIGEST, TAG = {names!r}, {digest!r}, {tag!r}
HERE = (sys.implementation.cache_tag, sysconfig.get_platform())
if HERE != TAG:
    sys.exit("this file was written for %s on %s; this is %s on %s" % (*TAG, *HERE))
base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "factory-tui-twins"
try:
    base.mkdir(mode=0o700, parents=True, exist_ok=True)
    if base.stat().st_uid != os.getuid():
        raise OSError
except OSError:
    base = Path(tempfile.mkdtemp(prefix="factory-tui-twins-"))
place = base / DIGEST
if not place.is_dir():
    fresh = Path(tempfile.mkdtemp(dir=base))
    with zipfile.ZipFile(Path(__file__).parent) as archive:
        archive.extractall(fresh)
    try:
        fresh.rename(place)
    except OSError:  # another start was faster
        if not place.is_dir():
            raise
sys.path.insert(0, str(place / "lib"))
from factory_tui.universe.__main__ import main

sys.exit(main(folder=place / "twins", names=NAMES))
'''


def write_bundle(folder: Path, names: Iterable[str], target: Path) -> Path:
    """Write ``target``, a file that serves the packs ``names`` of ``folder`` when it is run.

    Raises:
        PackError: A pack that is not there, or needs a library that is not installed.
    """
    chosen = tuple(names)
    with TemporaryDirectory() as scratch:
        stage = Path(scratch)
        lib = stage / "lib"
        imported: set[str] = set()
        for name in chosen:
            source = folder / name
            if not (source / "__init__.py").is_file():
                raise PackError(f'there is no twin pack "{name}" in {folder}')
            copytree(source, stage / "twins" / name, ignore=_IGNORED)
            imported |= _imports(source)
        kernel = Path(__file__).resolve().parent
        copytree(kernel, lib / "factory_tui" / "universe", ignore=_IGNORED)
        copy2(kernel.parent / "__init__.py", lib / "factory_tui" / "__init__.py")
        for library in _closure([*_CORE, *_distributions(imported)]):
            _copy_library(library, lib)
        start = _START.format(
            names=chosen,
            digest=_digest(stage),
            tag=(sys.implementation.cache_tag, sysconfig.get_platform()),
        )
        (stage / "__main__.py").write_text(start, encoding="utf-8")
        target.parent.mkdir(parents=True, exist_ok=True)
        zipapp.create_archive(stage, target, "/usr/bin/env python3", compressed=True)
    target.chmod(0o755)
    return target


def _imports(folder: Path) -> set[str]:
    """Top-level names of the modules that a pack imports."""
    found: set[str] = set()
    for path in folder.rglob("*.py"):
        if path.name == "generate.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    return found - set(sys.stdlib_module_names) - {"factory_tui"}


def _distributions(modules: Iterable[str]) -> Iterator[str]:
    known = metadata.packages_distributions()
    for module in sorted(modules):
        if module not in known:
            raise PackError(f'the packs need "{module}", which is not installed')
        yield known[module][0]


def _closure(names: Iterable[str]) -> list[metadata.Distribution]:
    """Installed distributions of these names, and what they cannot do without."""
    found: dict[str, metadata.Distribution] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        key = name.lower().replace("_", "-")
        if key in found:
            continue
        try:
            found[key] = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            if name in _OPTIONAL:
                continue
            raise PackError(f'"{name}" is not installed') from None
        for requirement in found[key].requires or ():
            # Extras and other platforms' needs carry a marker; what we need has none.
            if ";" not in requirement:
                waiting.append(_name(requirement))
    return [found[key] for key in sorted(found)]


def _name(requirement: str) -> str:
    end = next(
        (i for i, letter in enumerate(requirement) if not (letter.isalnum() or letter in "-_.")),
        len(requirement),
    )
    return requirement[:end]


def _copy_library(library: metadata.Distribution, lib: Path) -> None:
    for file in library.files or ():
        if ".." in file.parts or file.suffix == ".pyc":
            continue
        source = Path(str(file.locate()))
        if source.is_file():
            place = lib / file
            place.parent.mkdir(parents=True, exist_ok=True)
            copy2(source, place)


def _digest(folder: Path) -> str:
    state = blake2b(digest_size=8)
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            state.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
    return state.hexdigest()
