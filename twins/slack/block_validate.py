"""blocks.validate: Block Kit payloads checked without sending them."""

from typing import Any

from .block_check import Problems
from .blocks import problems_of
from .errors import SlackError
from .method import Context, method
from .view_build import view_problems


def _refuse(error: str, problems: Problems) -> SlackError:
    errors = []
    for problem in problems:
        found: dict[str, Any] = {
            "code": "failed_constraint",
            "message": problem.message,
            "pointer": problem.pointer,
        }
        if problem.constraint:
            found["constraint"] = {"type": problem.constraint}
            if problem.expected is not None:
                found["constraint"]["expected"] = problem.expected
        errors.append(found)
    return SlackError(error, errors=errors)


@method("blocks.validate", kinds=("bot", "user", "app"))
def validate(c: Context) -> dict[str, Any]:
    """Whether blocks, a message or a view would be taken; every problem if not."""
    given = [name for name in ("blocks", "view", "message") if name in c.args]
    if len(given) != 1:
        message = "must provide exactly one of `blocks`, `view`, or `message`"
        raise SlackError("invalid_arguments", message)
    name = given[0]
    value = c.args.json(name, "invalid_arguments")
    if name == "blocks":
        problems = problems_of(value, "")
    elif not isinstance(value, dict):
        raise SlackError("invalid_arguments", f"[ERROR] must provide an object: {name}")
    elif name == "message":
        problems = problems_of(value.get("blocks", []), "/blocks")
    elif value.get("type") not in ("modal", "home"):
        problems = Problems()
        problems.add("must be a valid enum value", "/type", "enum", ["home", "modal"])
    else:
        problems = view_problems(value, "")
    if problems:
        raise _refuse(f"invalid_{name}", problems)
    return {}
