"""Presets: named values for the fields of a job of one workflow, which are stored to submit it again."""

from dataclasses import dataclass

from casare_rpa.domain.errors import ProtocolError
from casare_rpa.domain.instants import Instant

MAX_PRESETS = 100
"""The number of presets of one workflow and tenant."""
MAX_PRESET_BYTES = 64 * 1024
"""The largest request of a preset, as JSON."""


@dataclass(frozen=True, slots=True)
class PresetKey:
    """The identity of a preset."""

    tenant_id: str
    workflow_id: str
    name: str


@dataclass(frozen=True, slots=True)
class Preset:
    """`request` is a JSON object with fields of a job, as `POST /api/v1/jobs` has them."""

    key: PresetKey
    request: str
    changed_at: Instant
    changed_by: str


def check_size(request: str) -> None:
    """Raises ProtocolError for a request that is larger than `MAX_PRESET_BYTES`."""
    if len(request.encode()) > MAX_PRESET_BYTES:
        sentence = f"over {MAX_PRESET_BYTES} bytes as JSON; store the data elsewhere and name it here"
        raise ProtocolError(sentence, field="parameters")
