"""How a user is classified: LITE or STANDARD."""

from typing import ClassVar, Final

from factory_tui.universe import Call, Response, route

from .base import body_object
from .embedded import classification_of
from .fields import checked
from .resource import Resource, put_thing
from .users import find_user

__all__ = ["RESOURCES"]

_PATH: Final = "/api/v1/users/{userId}/classification"


class Classifications(Resource):
    """``/api/v1/users/{userId}/classification``."""

    name = "classifications"
    kind = "UserClassification"
    path = _PATH
    verbs: ClassVar[str] = ""

    @route("GET", _PATH, "")
    def get(self, call: Call) -> Response:
        """As it is."""
        return Response.json(classification_of(call, find_user(call, call.params["userId"])))

    @route("PUT", _PATH, "")
    def replace(self, call: Call) -> Response:
        """As it shall be."""
        user = find_user(call, call.params["userId"])
        kept = checked(call, body_object(call), "type:LITE|STANDARD!")
        put_thing(call.twin, self.name, "", kept, user["id"], id=user["id"])
        return Response.json(classification_of(call, user))


RESOURCES: Final = (Classifications(),)
