"""What can go wrong in the store; ``str()`` of each is one sentence fit for a person."""

__all__ = [
    "AmbiguousRun",
    "HeadMoved",
    "StoreError",
    "UnknownContext",
    "UnknownRun",
    "UnknownTrial",
    "UnknownTurn",
]


class StoreError(Exception):
    """The store cannot do what was asked; base of all errors it raises on purpose."""


class UnknownRun(StoreError):  # noqa: N818 - the words of the command line
    """No run has this id (or none starts with this prefix)."""


class AmbiguousRun(StoreError):  # noqa: N818
    """More than one run starts with this prefix."""


class UnknownTrial(StoreError):  # noqa: N818
    """No trial has this id."""


class UnknownContext(StoreError):  # noqa: N818
    """No conversation has this id."""


class UnknownTurn(StoreError):  # noqa: N818
    """No turn has this id, or it is not part of the conversation that was named."""


class HeadMoved(StoreError):  # noqa: N818
    """Another writer appended first: the head is not the one the caller expected."""
