"""The Slack twin: a workspace with its Web API. See README.md for what it lacks."""

from .pack import Slack

PACK = Slack()
