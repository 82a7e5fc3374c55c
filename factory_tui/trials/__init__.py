"""Trials: one performance of a scenario against one product in one universe.

The engine talks to trial hosts (:class:`Pool`, :class:`Host`) and drives them
(:func:`perform`); a host is the process in :mod:`factory_tui.trials.host`.
"""

from factory_tui.trials.drivers import Diverged, Job, Mind, Report, perform
from factory_tui.trials.pool import Host, HostOptions, Pool
from factory_tui.trials.wire import HarnessFault

__all__ = [
    "Diverged",
    "HarnessFault",
    "Host",
    "HostOptions",
    "Job",
    "Mind",
    "Pool",
    "Report",
    "perform",
]
