"""The cookie of a sign-in, with which another tab of the same browser gets a token.

Scripts cannot read it. Only the route that exchanges it accepts it, and only for pages of this server.

Source: RFC 6265; docs/reference/http.md, Login.
"""

from starlette.requests import Request
from starlette.responses import Response

from casare_rpa.domain.errors import AuthError
from casare_rpa.domain.vocabulary import CloseCode
from casare_rpa.infrastructure.orchestrator.auth.presented_credentials import origin_allowed

_NAME = "casare_session"


def set_cookie(request: Request, response: Response, cookie: str, life_seconds: int) -> None:
    """Add the cookie to a response. It is `Secure`, with a prefix in its name, when the request came over https.

    Below a base path, browsers do not send it to other programs of the host, and two orchestrators have one each.
    """
    response.set_cookie(
        _name(request),
        cookie,
        life_seconds,
        path=_base_path(request) or "/",
        secure=_secure(request),
        httponly=True,
        samesite="strict",
    )


def remove_cookie(request: Request, response: Response) -> None:
    """Remove the cookie from the browser."""
    set_cookie(request, response, "", 0)


def cookie_of(request: Request) -> str:
    """The cookie of a request from a page of this server.

    Raises:
        AuthError: there is no cookie, or the request does not name this server as its origin (403).
    """
    # SameSite=Strict allows pages of other ports and of sibling domains, so the origin is compared as well.
    origin, host = request.headers.get("origin"), request.headers.get("host", "")
    if origin is None or not origin_allowed(origin, host, (), request.scope["scheme"]):
        raise AuthError("only a page of this server may use the cookie", CloseCode.FORBIDDEN, field="origin")
    cookie = request.cookies.get(_name(request))
    if not cookie:
        raise AuthError("missing; sign in", field="cookie")
    return cookie


def _name(request: Request) -> str:
    # Browsers send a cookie to all ports of a host, so the name contains the port: without it, a sign-in at one
    # orchestrator would end the session at another one of the same machine.
    port = request.headers.get("host", "").rpartition(":")[2]
    name = f"{_NAME}_{port}" if port.isascii() and port.isdigit() else _NAME
    if not _secure(request):
        return name
    # Browsers refuse a cookie whose name begins with __Host- and whose path is not "/".
    return f"__Secure-{name}" if _base_path(request) else f"__Host-{name}"


def _base_path(request: Request) -> str:
    base_path: str = request.app.base_path
    return base_path


def _secure(request: Request) -> bool:
    secure: bool = request.scope["scheme"] == "https"
    return secure
