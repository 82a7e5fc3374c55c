"""Write ``scopes.py`` from Okta's OpenAPI descriptions: the OAuth scopes of every operation.

Usage: ``python generate_scopes.py management.openapi.yaml oauth.openapi.yaml``. Only facts are
taken: which operation an access token needs which scope for.
"""

import sys
from collections.abc import Iterable
from pathlib import Path
from textwrap import wrap

import yaml

METHODS = ("get", "post", "put", "patch", "delete")


def scopes(sources: Iterable[Path]) -> dict[str, list[str]]:
    """Operations by the scopes they need, both sorted; several scopes are joined by a blank."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found: dict[str, set[str]] = {}
    for source in sources:
        document = yaml.load(source.read_text(encoding="utf-8"), Loader=loader)
        for item in document["paths"].values():
            for method in METHODS:
                operation = item.get(method, {})
                for security in operation.get("security", ()):
                    needed = [s for s in security.get("oauth2", ()) if s.startswith("okta.")]
                    if needed:
                        found.setdefault(" ".join(needed), set()).add(operation["operationId"])
    return {name: sorted(operations) for name, operations in sorted(found.items())}


def main(argv: list[str]) -> int:
    """Write the table beside this script."""
    if len(argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    table = scopes(Path(name) for name in argv[1:])
    lines = [
        '"""The OAuth scopes that Okta\'s descriptions name. Written by generate_scopes.py."""',
        "",
        "from typing import Final",
        "",
        '__all__ = ["SCOPES_OF"]',
        "",
        "# Licence of the descriptions: Apache-2.0 (their info.license).",
        'TABLE: Final = """',
    ]
    for name, operations in table.items():
        lines += [
            f"{name}:",
            *wrap(" ".join(operations), 98, initial_indent=" ", subsequent_indent=" "),
        ]
    lines += [
        '"""',
        '"""Scopes, and below them, indented, the operations that need all of them."""',
        "",
        "",
        "def _read(table: str) -> dict[str, tuple[str, ...]]:",
        "    found: dict[str, tuple[str, ...]] = {}",
        "    needed: tuple[str, ...] = ()",
        "    for line in table.strip().splitlines():",
        '        if line.startswith(" "):',
        "            found |= dict.fromkeys(line.split(), needed)",
        "        else:",
        '            needed = tuple(line.rstrip(":").split())',
        "    return found",
        "",
        "",
        "SCOPES_OF: Final = _read(TABLE)",
        '"""Operation to the scopes an access token needs for it."""',
        "",
    ]
    Path(__file__).with_name("scopes.py").write_text("\n".join(lines), encoding="utf-8")
    print(f"{sum(map(len, table.values()))} operations, {len(table)} sets of scopes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
