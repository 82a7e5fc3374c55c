"""What apps of the Connect and Forge kind keep: properties of their own, dynamic modules."""

from typing import Any, Final

from factory_tui.universe import Response, Row

from .context import Context, empty, operation, reply
from .errors import JiraError
from .properties import property_value, set_property

__all__ = ["need_app"]

_ADDON: Final = "/rest/atlassian-connect/1/addons/{addonKey}/properties"
_FORGE: Final = "/rest/forge/1/app/properties"
_MODULES: Final = "/rest/atlassian-connect/1/app/module/dynamic"
_LONGEST: Final = 127


def need_app(c: Context, status: int = 401) -> None:
    """Refuse with a status unless the caller is an app."""
    if not (c.user and c.user["app"]):
        raise JiraError(status, "Access to this resource must be authenticated as an app.")


def _key(c: Context) -> str:
    key = c.param("propertyKey")
    if len(key) > _LONGEST:
        raise JiraError(400, f"The property key cannot be longer than {_LONGEST} characters.")
    return key


def _keys(c: Context, entity: str, address: str) -> Response:
    table = c["properties"]
    known = sorted(str(table[key]["key"]) for key in table.find("entity", entity))
    return reply({"keys": [{"key": key, "self": f"{address}/{key}"} for key in known]})


def _get(c: Context, entity: str) -> Response:
    row = c["properties"].get((entity, _key(c)))
    if row is None:
        raise JiraError(404, f"Property with key {_key(c)} not found.")
    return reply({"key": row["key"], "value": row["value"]})


def _put(c: Context, entity: str) -> Response:
    known = set_property(c, entity, _key(c), property_value(c))
    words = "Property updated." if known else "Property created."
    status = 200 if known else 201
    return reply({"message": words, "statusCode": status}, status)


def _delete(c: Context, entity: str) -> Response:
    if not c["properties"].delete((entity, _key(c))):
        raise JiraError(404, f"Property with key {_key(c)} not found.")
    return empty()


def _addon(c: Context) -> tuple[str, str]:
    need_app(c)
    key = c.param("addonKey")
    base = f"{c.call.request.base_url}/rest/atlassian-connect/1/addons/{key}/properties"
    return f"addon/{key}", base


@operation("GET", _ADDON, "AddonPropertiesResource.getAddonProperties_get")
def addon_keys(c: Context) -> Response:
    """The keys of a Connect app's properties."""
    return _keys(c, *_addon(c))


@operation("GET", f"{_ADDON}/{{propertyKey}}", "AddonPropertiesResource.getAddonProperty_get")
def addon_get(c: Context) -> Response:
    """A property of a Connect app."""
    return _get(c, _addon(c)[0])


@operation("PUT", f"{_ADDON}/{{propertyKey}}", "AddonPropertiesResource.putAddonProperty_put")
def addon_put(c: Context) -> Response:
    """Set it."""
    return _put(c, _addon(c)[0])


@operation(
    "DELETE", f"{_ADDON}/{{propertyKey}}", "AddonPropertiesResource.deleteAddonProperty_delete"
)
def addon_delete(c: Context) -> Response:
    """Remove it."""
    return _delete(c, _addon(c)[0])


def _forge(c: Context) -> tuple[str, str]:
    need_app(c, 403)
    return f"forge/{c.me}", f"{c.call.request.base_url}{_FORGE}"


@operation("GET", _FORGE, "getForgeAppPropertyKeys")
def forge_keys(c: Context) -> Response:
    """The keys of a Forge app's properties."""
    return _keys(c, *_forge(c))


@operation("GET", f"{_FORGE}/{{propertyKey}}", "getForgeAppProperty")
def forge_get(c: Context) -> Response:
    """A property of a Forge app."""
    return _get(c, _forge(c)[0])


@operation("PUT", f"{_FORGE}/{{propertyKey}}", "putForgeAppProperty")
def forge_put(c: Context) -> Response:
    """Set it."""
    return _put(c, _forge(c)[0])


@operation("DELETE", f"{_FORGE}/{{propertyKey}}", "deleteForgeAppProperty")
def forge_delete(c: Context) -> Response:
    """Remove it."""
    return _delete(c, _forge(c)[0])


# -- dynamic modules


def _mine(c: Context) -> list[Row]:
    need_app(c)
    return [row for row in c["modules"].rows() if row["owner"] == c.me]


@operation("GET", _MODULES, "DynamicModulesResource.getModules_get")
def modules(c: Context) -> Response:
    """What the calling app has registered: type to modules."""
    found: dict[str, list[Any]] = {}
    for row in _mine(c):
        found.setdefault(row["type"], []).append(row["module"])
    return reply(found)


@operation("POST", _MODULES, "DynamicModulesResource.registerModules_post")
def add_modules(c: Context) -> Response:
    """Register modules: all or, when one is wrong, none."""
    known = {row["key"] for row in _mine(c)}
    rows: list[Row] = []
    for kind, given in c.body().items():
        for module in given if isinstance(given, list) else [given]:
            key = module.get("key") if isinstance(module, dict) else None
            if not isinstance(key, str) or not key:
                raise JiraError(400, f"A module of the type '{kind[:60]}' has no key.")
            if key in known:
                raise JiraError(400, f"The module key '{key[:60]}' is registered already.")
            known.add(key)
            rows.append({"key": key, "type": kind, "module": module, "owner": c.me})
    if not rows:
        raise JiraError(400, "At least one module must be specified.")
    for row in rows:
        c["modules"].put((c.me, row["key"]), row)
    return empty(200)


@operation("DELETE", _MODULES, "DynamicModulesResource.removeModules_delete")
def drop_modules(c: Context) -> Response:
    """Remove the modules named, or all of the calling app's."""
    wanted = set(c.query_list("moduleKey"))
    for row in _mine(c):
        if not wanted or row["key"] in wanted:
            c["modules"].delete((c.me, row["key"]))
    return empty()
