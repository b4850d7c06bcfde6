"""Which principal may use which command."""

import pytest

from casare_rpa.domain.credentials import Principal, Role
from casare_rpa.domain.errors import AuthError
from casare_rpa.domain.permissions import (
    require_admin,
    require_all_tenants,
    require_reader,
    require_secret,
    require_tenant,
)
from casare_rpa.domain.vocabulary import CloseCode

ANYWHERE = Principal(Role.ADMIN, "ana")
BOUND = Principal(Role.ADMIN, "bo", "acme")
VIEWER = Principal(Role.VIEWER, "viewer lobby")
ROBOT = Principal(Role.ROBOT, "robot r", "acme", "r", "key")


def test_admins_of_one_tenant_and_of_all_are_admins() -> None:
    require_admin(ANYWHERE)
    require_admin(BOUND)
    with pytest.raises(AuthError, match="this needs the admin secret") as error:
        require_admin(ROBOT)
    assert error.value.close_code is CloseCode.FORBIDDEN


def test_viewer_reads_and_orders_nothing() -> None:
    require_reader(VIEWER)
    require_reader(BOUND)
    with pytest.raises(AuthError, match="this link is for reading only; sign in with a password") as error:
        require_admin(VIEWER)
    assert error.value.close_code is CloseCode.FORBIDDEN
    with pytest.raises(AuthError, match="this needs the admin secret"):
        require_reader(ROBOT)


def test_only_the_secret_is_a_credential_without_an_end() -> None:
    require_secret(ANYWHERE)
    for other in (Principal(Role.ADMIN, "ana", expires_at=4e9), ROBOT):
        with pytest.raises(AuthError, match="this needs the admin secret") as error:
            require_secret(other)
        assert error.value.close_code is CloseCode.FORBIDDEN


def test_tenant_is_accessible_to_its_admin_and_to_admins_of_all() -> None:
    require_tenant(ANYWHERE, "other")
    require_tenant(BOUND, "acme")
    with pytest.raises(AuthError, match="tenant_id: this credential is for the tenant 'acme' only") as error:
        require_tenant(BOUND, "other")
    assert error.value.close_code is CloseCode.FORBIDDEN


def test_shared_objects_are_not_accessible_to_an_admin_of_one_tenant() -> None:
    require_all_tenants(ANYWHERE, "queues", field="queue")
    with pytest.raises(AuthError, match=r"^queue: queues belong to all tenants") as error:
        require_all_tenants(BOUND, "queues", field="queue")
    assert error.value.close_code is CloseCode.FORBIDDEN
