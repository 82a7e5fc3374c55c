"""The Okta twin: the management API of one organisation. See README.md for what it lacks."""

from .access import Access
from .agents import AgentOps
from .bought import FeatureOps
from .described import DESCRIBED
from .devices import DeviceOps
from .factors import FactorOps
from .granted import GrantOps
from .groups import Groups
from .hooks import HookEvents
from .lifecycle import Lifecycle
from .limits import TokenOps
from .logs import Logs
from .oauth import OAuth
from .operations import Operations
from .org import Organisation
from .org_extras import OrgOps
from .registry import RESOURCES
from .roles import Roles
from .rules import Rules
from .schemas import Schemas
from .users import Users

__all__ = ["PACK", "Okta"]


class Okta(
    Users,
    Lifecycle,
    Groups,
    Rules,
    Roles,
    Schemas,
    Logs,
    Organisation,
    Operations,
    DeviceOps,
    AgentOps,
    FeatureOps,
    FactorOps,
    OrgOps,
    GrantOps,
    TokenOps,
    OAuth,
    HookEvents,
    Access,
):
    """Every part of the twin in one pack."""

    def __init__(self) -> None:
        super().__init__()
        for resource in RESOURCES:
            resource.install(self.routes)
        for line in DESCRIBED.strip().splitlines():
            method, template, operation = line.split(" ", 2)
            self.routes.add(method, template, operation)


PACK = Okta()
