"""The user lifecycle as data: which status each transition leaves, where it leads, and what
Okta says when it may not be taken.

Sources: Okta's description of the user lifecycle operations; the recordings for the states
after creation, activation, suspension and expiry; reports of users for the errors.
"""

from dataclasses import dataclass
from typing import Final

__all__ = ["ACTIVE", "STATUSES", "TRANSITIONS", "WITH_PASSWORD", "Refusal", "Transition"]

ACTIVE: Final = "ACTIVE"
STATUSES: Final = (
    "STAGED",
    "PROVISIONED",
    "ACTIVE",
    "RECOVERY",
    "PASSWORD_EXPIRED",
    "LOCKED_OUT",
    "SUSPENDED",
    "DEPROVISIONED",
)
WITH_PASSWORD: Final = "ACTIVE or PROVISIONED"
"""A target that depends: ``ACTIVE`` for a user who has a password, else ``PROVISIONED``."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The vendor's error for an illegal edge; ``{id}`` in a text is the user's id."""

    status: int
    code: str
    summary: str
    causes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Transition:
    """One lifecycle operation.

    Attributes:
        sources: Statuses it may be taken from.
        target: The status after it.
        event: Its event type in the system log.
        refusal: The answer in any other status.
    """

    sources: frozenset[str]
    target: str
    event: str
    refusal: Refusal


_GONE: Final = Refusal(404, "E0000007", "Not found: Resource not found: {id} (User)")
_NOT_NOW: Final = Refusal(
    403, "E0000038", "This operation is not allowed in the user's current status."
)


def _refused(sentence: str) -> Refusal:
    return Refusal(400, "E0000001", f"Api validation failed: {sentence}", (sentence,))


TRANSITIONS: Final[dict[str, Transition]] = {
    "activate": Transition(
        frozenset({"STAGED", "DEPROVISIONED"}),
        WITH_PASSWORD,
        "user.lifecycle.activate",
        Refusal(403, "E0000016", "Activation failed because the user is already active"),
    ),
    "reactivate": Transition(
        frozenset({"PROVISIONED", "RECOVERY"}),
        "PROVISIONED",
        "user.lifecycle.reactivate",
        _NOT_NOW,
    ),
    "deactivate": Transition(
        frozenset(STATUSES) - {"DEPROVISIONED"},
        "DEPROVISIONED",
        "user.lifecycle.deactivate",
        _GONE,
    ),
    "suspend": Transition(
        frozenset({"ACTIVE"}),
        "SUSPENDED",
        "user.lifecycle.suspend",
        _refused("Cannot suspend a user that is not active"),
    ),
    "unsuspend": Transition(
        frozenset({"SUSPENDED"}),
        "ACTIVE",
        "user.lifecycle.unsuspend",
        _refused("Cannot unsuspend a user that is not suspended"),
    ),
    "unlock": Transition(
        frozenset({"LOCKED_OUT"}),
        "ACTIVE",
        "user.account.unlock",
        Refusal(403, "E0000032", "Unlock is not allowed for this user."),
    ),
    "expire_password": Transition(
        frozenset(
            {"STAGED", "PROVISIONED", "ACTIVE", "LOCKED_OUT", "RECOVERY", "PASSWORD_EXPIRED"}
        ),
        "PASSWORD_EXPIRED",
        "user.account.expire_password",
        _NOT_NOW,
    ),
    "reset_password": Transition(
        frozenset({"PROVISIONED", "ACTIVE", "LOCKED_OUT", "RECOVERY", "PASSWORD_EXPIRED"}),
        "RECOVERY",
        "user.account.reset_password",
        _NOT_NOW,
    ),
}
