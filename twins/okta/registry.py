"""Every managed resource of the twin."""

from itertools import chain
from typing import Final

from . import (
    agents,
    app_assignments,
    app_credentials,
    app_relations,
    attributes,
    authenticators,
    authservers,
    bought,
    branding,
    classification,
    devices,
    email_sending,
    emails,
    factors,
    governance,
    granted,
    hooks,
    iam,
    identity_sources,
    idps,
    limits,
    mappings,
    misc,
    network,
    privileged,
    role_targets,
    server_relations,
    sessions,
    ssf,
    telephony,
    user_security,
    webauthn,
)
from .apps import APPS
from .policies import POLICIES, RULES
from .resource import Resource

__all__ = ["RESOURCES"]

_PARTS: Final = (
    agents,
    app_assignments,
    app_credentials,
    app_relations,
    attributes,
    authenticators,
    authservers,
    bought,
    branding,
    classification,
    devices,
    email_sending,
    emails,
    factors,
    governance,
    granted,
    hooks,
    iam,
    identity_sources,
    idps,
    limits,
    mappings,
    misc,
    network,
    privileged,
    role_targets,
    server_relations,
    sessions,
    ssf,
    telephony,
    user_security,
    webauthn,
)
RESOURCES: Final[tuple[Resource, ...]] = (
    APPS,
    POLICIES,
    RULES,
    *chain.from_iterable(part.RESOURCES for part in _PARTS),
)
