"""Which principal may use a command: one function per rule. Each returns None, or raises AuthError (403)."""

from casare_rpa.domain.credentials import Principal, Role
from casare_rpa.domain.errors import AuthError
from casare_rpa.domain.vocabulary import CloseCode


def require_admin(who: Principal) -> None:
    """Raises AuthError for a robot."""
    if who.role is not Role.ADMIN:
        raise AuthError("this needs the admin secret or an admin's token", CloseCode.FORBIDDEN)


def require_tenant(who: Principal, tenant_id: str) -> None:
    """Raises AuthError for a principal of another tenant."""
    if not who.sees(tenant_id):
        sentence = f"this credential is for the tenant {who.tenant_id!r} only"
        raise AuthError(sentence, CloseCode.FORBIDDEN, field="tenant_id")


def require_all_tenants(who: Principal, shared: str, *, field: str | None = None) -> None:
    """Raises AuthError for a principal of one tenant; `shared` names what all tenants share, such as `queues`."""
    if who.tenant_id is not None:
        sentence = f"{shared} belong to all tenants, this credential to one"
        raise AuthError(sentence, CloseCode.FORBIDDEN, field=field)
