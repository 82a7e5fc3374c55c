"""Write ``described.py`` from Okta's OpenAPI description of the management API.

Usage: ``python generate.py management.openapi.yaml``. Only facts are taken: which method and
path is called what.
"""

import sys
from pathlib import Path

import yaml

METHODS = ("get", "post", "put", "patch", "delete")


def operations(source: Path) -> list[tuple[str, str, str]]:
    """Every described operation as ``(method, path, operationId)``, sorted by path."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    document = yaml.load(source.read_text(encoding="utf-8"), Loader=loader)
    found = []
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                name = item[method].get("operationId", f"{method} {path}")
                # A path with a fragment is a variant of the path without it.
                found.append((method.upper(), path.partition("#")[0], name))
    unique: dict[tuple[str, str], str] = {}
    for method, path, name in found:
        unique.setdefault((method, path), name)
    return sorted(((m, p, n) for (m, p), n in unique.items()), key=lambda row: (row[1], row[0]))


def main(argv: list[str]) -> int:
    """Write the table beside this script."""
    if len(argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    rows = operations(Path(argv[1]))
    lines = [
        '"""What Okta\'s description of the management API names. Written by generate.py."""',
        "",
        "from typing import Final",
        "",
        "# ruff: noqa: E501",
        "# Licence of the description: Apache-2.0 (its info.license).",
        'DESCRIBED: Final = """',
        *(f"{method} {path} {name}" for method, path, name in rows),
        '"""',
        '"""One operation per line: method, path template, operationId."""',
        "",
    ]
    Path(__file__).with_name("described.py").write_text("\n".join(lines), encoding="utf-8")
    print(f"{len(rows)} operations")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
