"""What calls to back ends over HTTP learn of the request that they are made for."""

import re

from connectors.http.current_request import CurrentRequest
from gateway.server.fast_http import Connection
from resolvers.context import RequestContext

_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
"""W3C Trace Context, 3.2.2; what is none is not passed on."""


def upstream_request(connection: Connection, context: RequestContext) -> CurrentRequest:
    """Return what calls for this request are made with.

    Requests of one person that change nothing are asked by the same caller until what that person may do changes. Any
    other request has a caller of its own: within it, somebody may sign in.
    """
    traceparent = connection.headers.get("traceparent")
    caller: tuple[str, ...] = ()
    if not context.only_reads or context.view_as is not None:
        caller = ("", context.request_id)
    elif context.caller is not None:
        caller = (context.caller.user.id, str(context.caller.access_epoch))
    return CurrentRequest(
        deadline=context.deadline,
        request_id=context.request_id,
        traceparent=traceparent if traceparent is not None and _TRACEPARENT.fullmatch(traceparent) else None,
        language=context.reader.language,
        caller=caller,
    )
