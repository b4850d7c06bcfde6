"""A request for a robot key with an idempotency key can be repeated: it creates one key."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from casare_rpa.domain.credentials import SECRET_REPEAT_SECONDS, Principal, Role, digest, key_id_of
from casare_rpa.domain.errors import Conflict
from orchestrator.slices import ADMIN, ROBOT, Instance, instance


@pytest.fixture
async def plane(tmp_path: Path) -> AsyncIterator[Instance]:
    async with instance(tmp_path) as opened:
        await opened.robot()
        yield opened


async def test_repeated_request_returns_the_same_key(plane: Instance) -> None:
    first, text = await plane.commands.robots.create_key(ADMIN, ROBOT, "once")
    plane.clock.advance(SECRET_REPEAT_SECONDS)
    assert await plane.commands.robots.create_key(ADMIN, ROBOT, "once") == (first, text)
    assert (key_id_of(text), digest(text)) == (first.key_id, first.digest)
    assert await plane.store.keys(ROBOT) == [first]
    entries = await plane.store.audit(ROBOT, ["create_key"], 10, None)
    assert len(entries) == 1


async def test_each_user_robot_and_idempotency_key_has_its_own_key(plane: Instance) -> None:
    await plane.robot("robot-2")
    other = Principal(Role.ADMIN, "another")
    asked = [(ADMIN, ROBOT, "a"), (ADMIN, ROBOT, "b"), (other, ROBOT, "a"), (ADMIN, "robot-2", "a")]
    asked += [(ADMIN, ROBOT, None), (ADMIN, ROBOT, None)]  # type: ignore[list-item]
    texts = {(await plane.commands.robots.create_key(*one))[1] for one in asked}
    assert len(texts) == len(asked)


async def test_key_that_was_revoked_or_is_old_is_not_shown_again(plane: Instance) -> None:
    revoked, _ = await plane.commands.robots.create_key(ADMIN, ROBOT, "revoked")
    await plane.commands.robots.revoke_key(ADMIN, ROBOT, revoked.key_id)
    await plane.commands.robots.create_key(ADMIN, ROBOT, "old")
    plane.clock.advance(SECRET_REPEAT_SECONDS + 1)
    for idempotency_key in ("revoked", "old"):
        with pytest.raises(Conflict, match="use another") as caught:
            await plane.commands.robots.create_key(ADMIN, ROBOT, idempotency_key)
        assert caught.value.field == "Idempotency-Key"


async def test_robot_that_was_removed_and_created_again_has_another_key(plane: Instance) -> None:
    _, before = await plane.commands.robots.create_key(ADMIN, ROBOT, "once")
    await plane.commands.robots.remove(ADMIN, ROBOT)
    plane.clock.advance(1)
    await plane.robot()
    _, after = await plane.commands.robots.create_key(ADMIN, ROBOT, "once")
    assert after != before
