"""Facts of instances: equal secrets have equal digests, different ones differ, rows of other versions can be read."""

import msgspec
import pytest

from casare_rpa.domain.instance_facts import DIGEST_CHARACTERS, SECRET_NAMES, InstanceFacts, SecretDigests

SECRETS = {"jwt_secret": "signing key", "api_secret": "secret of admins", "admin_password": "password"}


def test_equal_secrets_have_equal_digests() -> None:
    assert SecretDigests.of(**SECRETS).different(SecretDigests.of(**SECRETS)) is None


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_the_secret_that_differs_is_named(name: str) -> None:
    other = SecretDigests.of(**{**SECRETS, name: "another one"})
    assert SecretDigests.of(**SECRETS).different(other) == name
    assert other.different(SecretDigests.of(**SECRETS)) == name


def test_instance_that_wrote_no_digests_is_not_compared() -> None:
    assert SecretDigests.of(**SECRETS).different(SecretDigests()) is None
    assert SecretDigests().different(SecretDigests.of(**SECRETS)) is None


@pytest.mark.parametrize("name", ["jwt_secret", "api_secret"])
def test_digest_of_the_password_depends_on_the_other_secrets(name: str) -> None:
    """Otherwise a password that is easy to guess could be tried against its digest."""
    one, other = SecretDigests.of(**SECRETS), SecretDigests.of(**{**SECRETS, name: "another secret"})
    assert one.admin_password != other.admin_password


def test_equal_texts_have_different_digests_by_their_names() -> None:
    same = SecretDigests.of(jwt_secret="key", api_secret="one text", admin_password="one text")
    assert len({same.jwt_secret, same.api_secret, same.admin_password}) == 3
    assert {len(getattr(same, name)) for name in SECRET_NAMES} == {DIGEST_CHARACTERS}


def test_facts_of_other_versions_can_be_read() -> None:
    assert msgspec.json.decode(b'{"name":"north","load":7}', type=InstanceFacts) == InstanceFacts(name="north")
