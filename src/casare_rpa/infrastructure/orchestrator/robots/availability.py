"""Robots put together by what they offer and do, kept as they change: a question about ten thousand looks at a few."""

from casare_rpa.domain.robots import Profile
from casare_rpa.domain.waiting import Availability, AvailabilityGroup

Kind = tuple[Profile, Availability]


class AvailabilityIndex:
    """The crowds of each tenant."""

    def __init__(self) -> None:
        self._places: dict[str, tuple[str, Kind]] = {}
        self._members: dict[str, dict[Kind, dict[str, None]]] = {}

    def put(self, robot_id: str, tenant_id: str, kind: Kind) -> None:
        """Add a robot, or move it to where it belongs now."""
        place = (tenant_id, kind)
        before = self._places.get(robot_id)
        if before == place:
            return
        if before is not None:
            crowds = self._members[before[0]]
            members = crowds[before[1]]
            del members[robot_id]
            if not members:
                del crowds[before[1]]
        self._places[robot_id] = place
        self._members.setdefault(tenant_id, {}).setdefault(kind, {})[robot_id] = None

    def of(self, tenant_id: str) -> list[AvailabilityGroup]:
        return [AvailabilityGroup(*kind, tuple(members)) for kind, members in self._members.get(tenant_id, {}).items()]
