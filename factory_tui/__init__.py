"""factory-tui: run and supervise a software factory from the terminal."""

__version__ = "0.1.0"
