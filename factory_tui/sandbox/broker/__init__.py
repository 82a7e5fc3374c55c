"""The broker: a small process of its own that starts boxes and holds what belongs to them.

It is run as ``python -I -S <this directory>`` and imports nothing but the standard library and
its neighbours here. See ``__main__.py`` for why it exists and for the protocol.
"""
