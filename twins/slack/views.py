"""views.publish: an app's home tab. Modals are in ``modals.py``."""

from typing import Any

from .apps import app_of
from .errors import SlackError
from .method import Context, method
from .state import find_user
from .view_build import check_view, store_view


@method("views.publish")
def publish(c: Context) -> dict[str, Any]:
    """Show a home tab to a user."""
    user = find_user(c.twin, c.args.need("user_id"))["id"]
    view = check_view(c.args.json("view", "invalid_arguments"), "home")
    app = app_of(c.twin, c.token)
    known = next(
        (
            row
            for row in c["views"].rows()
            if row["user"] == user
            and row["view"]["type"] == "home"
            and row["view"]["app_id"] == app["id"]
        ),
        None,
    )
    asked = c.args.text("hash")
    if asked and known is not None and asked != known["view"]["hash"]:
        raise SlackError("hash_conflict")
    return {"view": store_view(c.twin, app, user, view, key=known["id"] if known else "")["view"]}
