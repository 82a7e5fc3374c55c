"""The Jira twin: a site with its REST API, Cloud or Data Center. README.md says what it lacks."""

from .pack import Jira

PACK = Jira()
