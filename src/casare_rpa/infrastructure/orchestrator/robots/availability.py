"""An index of robots by profile and availability: thousands of robots form a few groups."""

from casare_rpa.domain.robots import Profile
from casare_rpa.domain.waiting import Availability, AvailabilityGroup

Kind = tuple[Profile, Availability]


class AvailabilityIndex:
    """The groups of each tenant. A look-up costs the number of groups, not the number of robots."""

    def __init__(self) -> None:
        self._places: dict[str, tuple[str, Kind]] = {}
        self._members: dict[str, dict[Kind, dict[str, None]]] = {}

    def update(self, robot_id: str, tenant_id: str, kind: Kind) -> None:
        """Add a robot, or move it to the group it belongs to now."""
        place = (tenant_id, kind)
        before = self._places.get(robot_id)
        if before == place:
            return
        if before is not None:
            groups = self._members[before[0]]
            members = groups[before[1]]
            del members[robot_id]
            if not members:
                del groups[before[1]]
        self._places[robot_id] = place
        self._members.setdefault(tenant_id, {}).setdefault(kind, {})[robot_id] = None

    def remove(self, robot_id: str) -> None:
        """Remove a robot. Does nothing if it has no group."""
        place = self._places.pop(robot_id, None)
        if place is not None:
            groups = self._members[place[0]]
            del groups[place[1]][robot_id]
            if not groups[place[1]]:
                del groups[place[1]]

    def groups(self, tenant_id: str) -> list[AvailabilityGroup]:
        return [AvailabilityGroup(*kind, tuple(members)) for kind, members in self._members.get(tenant_id, {}).items()]
