"""What a struck request is answered, and what happens to its connection."""

import orjson

from factory_tui.universe.faults import Fault
from factory_tui.universe.http import Response
from factory_tui.universe.pack import Call

__all__ = ["faulty", "strike"]


def faulty(call: Call, fault: Fault, status: int) -> Response:
    """The answer a fault asks for: the vendor's error, the scenario's body or a proxy's page."""
    if fault.html:
        text = fault.body if isinstance(fault.body, str) else _page(status)
        response = Response.html(text, status)
    elif fault.body is not None:
        is_text = isinstance(fault.body, str)
        kind = "text/plain; charset=utf-8" if is_text else "application/json"
        body = fault.body.encode() if is_text else orjson.dumps(fault.body)
        response = Response(status, body, [("content-type", kind)])
    else:
        response = call.twin.pack.fault_response(call, status, fault.headers)
    given = {name.lower() for name in fault.headers}
    response.headers = [pair for pair in response.headers if pair[0].lower() not in given]
    response.headers += [(name.lower(), value) for name, value in fault.headers.items()]
    return response


def _page(status: int) -> str:
    return (
        f"<html><head><title>{status}</title></head><body><center><h1>{status} Error</h1>"
        "</center><hr><center>proxy</center></body></html>"
    )


def strike(fault: Fault, response: Response) -> None:
    """What the fault does to the connection."""
    response.struck = True
    response.delay = fault.delay
    response.drop = bool(fault.drop)
    if fault.reset:
        response.cut = len(response.body) // 2
