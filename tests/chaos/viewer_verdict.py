"""The verdict on viewers, from their journals: no number is missing, and none comes twice."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from chaos.journal import Fact


@dataclass
class ViewerVerdict:
    """The counts over all viewers; `missing` and `repeated` must be empty."""

    changes: int = 0
    resumes: int = 0
    beginnings: int = 0
    """Snapshots: the first one of each viewer, and one for each `recovered: false`."""
    missing: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)

    def line(self) -> str:
        return (
            f"viewers saw {self.changes} changes, {self.resumes} resumes, {self.beginnings} beginnings; "
            f"missing {len(self.missing)}, repeated {len(self.repeated)}"
        )


def judge_viewer(verdict: ViewerVerdict, name: str, facts: Iterable[Fact]) -> None:
    """Add one viewer. A beginning is a new position; each change after it has the next number."""
    position: tuple[str, int] | None = None
    for fact in facts:
        match fact["fact"]:
            case "begun":
                verdict.beginnings += 1
                position = fact["epoch"], fact["seq"]
            case "resumed":
                verdict.resumes += 1
            case "change":
                verdict.changes += 1
                epoch, seq = fact["epoch"], fact["seq"]
                if position is None or epoch != position[0]:
                    verdict.missing.append(f"{name}: {epoch}:{seq} without a beginning")
                elif seq <= position[1]:
                    verdict.repeated.append(f"{name}: {seq} after {position[1]}")
                elif seq > position[1] + 1:
                    verdict.missing.append(f"{name}: {position[1] + 1} to {seq - 1}")
                position = epoch, seq
