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


class UnknownRun(StoreError):
    """No run has this id (or none starts with this prefix)."""


class AmbiguousRun(StoreError):
    """More than one run starts with this prefix."""


class UnknownTrial(StoreError):
    """No trial has this id."""


class UnknownContext(StoreError):
    """No conversation has this id."""


class UnknownTurn(StoreError):
    """No turn has this id, or it is not part of the conversation that was named."""


class HeadMoved(StoreError):
    """Another writer appended first: the head is not the one the caller expected."""
