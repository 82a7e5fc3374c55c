"""One run, carried out in one process: the loop's handlers, money, control, the spec watch.

:mod:`factory_tui.engine.launch` creates runs and starts their processes;
:mod:`factory_tui.engine.__main__` is such a process.
"""
