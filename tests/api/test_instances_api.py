"""The instances of the server over HTTP and in /metrics."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from api.conftest import Api, error_of, running
from casare_rpa import __version__
from casare_rpa.domain.credentials import Principal, Role
from casare_rpa.domain.instance_facts import SECRET_NAMES, InstanceFacts
from casare_rpa.domain.instants import after
from casare_rpa.infrastructure.orchestrator.control_plane import ControlPlane
from casare_rpa.infrastructure.orchestrator.server import create_app
from casare_rpa.infrastructure.orchestrator.storage.migrate import newest_revision
from fake_clock import FakeClock
from hub.fake_peer import FakePeer


async def metric(api: Api, name: str) -> tuple[dict[str, str], float]:
    """The labels and the value of the one sample with this name."""
    text = (await api.client().get("/metrics")).text
    found = [one for family in text_string_to_metric_families(text) for one in family.samples if one.name == name]
    assert len(found) == 1, found
    return found[0].labels, found[0].value


async def test_only_instance_describes_itself(tmp_path: Path) -> None:
    async with running(tmp_path, instance_name="north-1", host="127.0.0.1", port=9000) as api:
        listed = await api.get("/instances")
        (shown,) = listed["items"]
        assert shown["last_seen_at"] <= listed["at"]
        del shown["last_seen_at"], shown["started_at"], shown["loop_lag_ms"]
        assert shown == {
            "instance_id": api.plane.instance,
            "answered": True,
            "state": "running",
            "name": "north-1",
            "address": "http://127.0.0.1:9000",
            "version": __version__,
            "schema_revision": newest_revision(),
            "robots": 0,
            "viewers": 0,
            "feed_lag_ms": 0.0,
            "bus": {"kind": "alone", "alive": True},
            "store": "sqlite",
        }


@pytest.fixture
async def other(api: Api) -> AsyncIterator[Api]:
    """A second instance on the same store, with another name."""
    plane = api.plane
    settings = plane.settings.model_copy(update={"instance_name": "a second one"})
    async with ControlPlane.started(settings, plane.store, plane.clock) as second:
        app = create_app(settings)
        app.state.control_plane, app.state.connection_gate = second, None
        yield Api(app)


async def test_each_instance_shows_all_in_the_order_of_their_names(api: Api, other: Api) -> None:
    for one in (api, other):
        items = (await one.get("/instances"))["items"]
        assert sorted(item["name"] for item in items) == [item["name"] for item in items]
        assert {item["instance_id"] for item in items} == {api.plane.instance, other.plane.instance}
        assert [item["instance_id"] for item in items if item["answered"]] == [one.plane.instance]


async def test_instance_that_stopped_writing_is_silent_and_one_that_stops_drains(api: Api) -> None:
    now = api.plane.clock.now()
    await api.plane.store.hear("killed", after(now, -16), InstanceFacts(name="killed"))
    await api.plane.store.hear("stops", now, InstanceFacts(name="stops", draining=True))
    await api.plane.store.hear("older version", now)
    states = {item["instance_id"]: item["state"] for item in (await api.get("/instances"))["items"]}
    assert states == {
        api.plane.instance: "running",
        "killed": "silent",
        "stops": "draining",
        "older version": "running",
    }


async def test_instance_that_drains_says_so(api: Api) -> None:
    api.plane.draining = True
    await api.plane.instances.hear()
    assert [item["state"] for item in (await api.get("/instances"))["items"]] == ["draining"]
    assert (await metric(api, "casare_draining"))[1] == 1


async def test_admin_of_one_tenant_and_robots_are_refused(api: Api) -> None:
    robot = await api.robot("alpha")
    assert error_of(await robot.get("/api/v1/instances"), 403)[0] == "AUTH_FAILED"
    assert error_of(await api.client().get("/api/v1/instances"), 401)[0] == "AUTH_FAILED"


async def test_metrics_describe_the_instance(tmp_path: Path) -> None:
    async with running(tmp_path, instance_name="north-1") as api:
        labels, value = await metric(api, "casare_instance_info")
        assert value == 1
        assert labels == {
            "name": "north-1",
            "version": __version__,
            "schema": newest_revision(),
            "store": "sqlite",
            "bus": "alone",
        }
        assert (await metric(api, "casare_bus_alive"))[1] == 1
        assert (await metric(api, "casare_draining"))[1] == 0
        assert (await metric(api, "casare_instance_robots"))[1] == 0
        assert (await metric(api, "casare_feed_lag_seconds"))[1] == 0
        assert (await metric(api, "casare_event_loop_lag_seconds"))[1] >= 0
        assert (await metric(api, "casare_viewers"))[1] == 0


async def test_connections_of_robots_and_of_viewers_are_counted(api: Api) -> None:
    hub, clock = api.plane.hub, FakeClock()
    viewer, robot = FakePeer(clock), FakePeer(clock, robot_id="alpha")
    for peer in (viewer, robot):
        hub.attach(peer.session)
    hub.attach_robot("alpha", robot.session)
    with api.plane.change_feed.stream_of(Principal(Role.ADMIN, "me")):
        facts = api.plane.describe()
    assert (facts.robots, facts.viewers) == (1, 2), "the stream of changes is a viewer"
    assert (await metric(api, "casare_instance_robots"))[1] == 1
    assert (await metric(api, "casare_viewers"))[1] == 1
    for peer in (viewer, robot):
        hub.detach(peer.session)
    facts = api.plane.describe()
    assert (facts.robots, facts.viewers) == (0, 0)


async def test_no_digest_of_a_secret_is_shown(api: Api) -> None:
    digests = api.plane.describe().secrets
    shown = (await api.admin.get("/api/v1/instances")).text + (await api.client().get("/metrics")).text
    assert api.plane.instance in shown
    assert not [name for name in SECRET_NAMES if getattr(digests, name) in shown]
