"""Whom a document is shared with: channels or people, never both at once."""

from .errors import SlackError
from .method import Context

__all__ = ["audience"]


def audience(c: Context, refusal: SlackError) -> list[str]:
    """The ids of the call's ``channel_ids`` or ``user_ids``; ``refusal`` for both or neither."""
    channels, users = c.args.items("channel_ids"), c.args.items("user_ids")
    if bool(channels) == bool(users):
        raise refusal
    for key in channels:
        if key not in c["channels"]:
            raise SlackError("channel_not_found")
    for key in users:
        if key not in c["users"]:
            raise SlackError("user_not_found")
    return channels or users
