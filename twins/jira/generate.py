"""Generate ``operations.json``: every operation Jira describes, as the table the pack needs.

Usage: ``python generate.py PLATFORM_V3_OPENAPI.json``

The input is Atlassian's description of the Jira Cloud platform REST API. The table has one row
per operation: method, path below ``/rest/api/{version}`` (or the whole path outside it) and
operation id.
"""

import json
import sys
from pathlib import Path

METHODS = ("get", "post", "put", "delete", "patch")
ROOT = "/rest/api/3"


def main(description: Path) -> None:
    """Write ``operations.json`` next to this script."""
    paths = json.loads(description.read_text())["paths"]
    rows = sorted(
        (path.removeprefix(ROOT) if path.startswith(f"{ROOT}/") else path, method.upper(), found)
        for path, item in paths.items()
        for method in METHODS
        if (found := item.get(method, {}).get("operationId"))
    )
    lines = ",\n".join(json.dumps([method, path, name]) for path, method, name in rows)
    Path(__file__).with_name("operations.json").write_text("[\n" + lines + "\n]\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
