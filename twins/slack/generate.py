"""Generate ``methods.json``: what Slack describes, as the small table the pack needs.

Usage: ``python generate.py WEB_API_SWAGGER.json RATE_LIMIT_TIERS.json SAMPLES_API_DIR``

The inputs are Slack's published Web API description (``slack-api-specs``), and the rate limit
tiers and response samples of ``java-slack-sdk``. The table maps each method to its rate tier and
its own error names; those that any method may answer are listed once, under ``""``.
"""

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any


def main(swagger: Path, tiers: Path, samples: Path) -> None:
    """Write ``methods.json`` next to this script."""
    described = json.loads(swagger.read_text())["paths"]
    tier_of = json.loads(tiers.read_text())
    names = {path.strip("/") for path in described} | set(tier_of)
    names |= {path.stem for path in samples.glob("*.json")}
    errors = {
        path.strip("/"): _errors(operation)
        for path, item in described.items()
        for operation in item.values()
    }
    counted = Counter(error for names_ in errors.values() for error in names_)
    common = {error for error, count in counted.items() if count > len(errors) * 0.25}
    table: dict[str, dict[str, Any]] = {"": {"errors": sorted(common)}}
    for name in sorted(names):
        row: dict[str, Any] = {}
        if name in tier_of:
            row["tier"] = tier_of[name]
        own = [error for error in errors.get(name, []) if error not in common]
        if own:
            row["errors"] = own
        table[name] = row
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(row)}" for name, row in table.items())
    Path(__file__).with_name("methods.json").write_text("{\n" + lines + "\n}\n")


def _errors(operation: dict[str, Any]) -> list[str]:
    schema = operation["responses"].get("default", {}).get("schema", {})
    found: list[str] = schema.get("properties", {}).get("error", {}).get("enum", [])
    return found


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:4]))
