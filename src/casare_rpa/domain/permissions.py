"""Which principal may use a command: one function per rule. Each returns None, or raises AuthError (403)."""

from casare_rpa.domain.credentials import Principal, Role
from casare_rpa.domain.errors import AuthError
from casare_rpa.domain.vocabulary import CloseCode


def require_reader(principal: Principal) -> None:
    """Raises AuthError for a robot."""
    if principal.role is not Role.VIEWER:
        require_admin(principal)


def require_admin(principal: Principal) -> None:
    """Raises AuthError for a robot or a viewer."""
    if principal.role is Role.VIEWER:
        raise AuthError("this link is for reading only; sign in with a password to do this", CloseCode.FORBIDDEN)
    if principal.role is not Role.ADMIN:
        raise AuthError("this needs the admin secret or an admin's token", CloseCode.FORBIDDEN)


def require_secret(principal: Principal) -> None:
    """Raises AuthError for anything but the admin secret, such as a token, which ends."""
    require_admin(principal)
    if principal.expires_at is not None:
        raise AuthError("this needs the admin secret; a token is not sufficient", CloseCode.FORBIDDEN)


def require_tenant(principal: Principal, tenant_id: str) -> None:
    """Raises AuthError for a principal of another tenant."""
    if not principal.sees(tenant_id):
        sentence = f"this credential is for the tenant {principal.tenant_id!r} only"
        raise AuthError(sentence, CloseCode.FORBIDDEN, field="tenant_id")


def require_all_tenants(principal: Principal, shared: str, *, field: str | None = None) -> None:
    """Raises AuthError for a principal of one tenant; `shared` names what all tenants share, such as `queues`."""
    if principal.tenant_id is not None:
        sentence = f"{shared} belong to all tenants, this credential to one"
        raise AuthError(sentence, CloseCode.FORBIDDEN, field=field)
