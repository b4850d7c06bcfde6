"""The record of a tenant, which owns robots and jobs."""

from dataclasses import dataclass

from casare_rpa.domain.instants import Instant


@dataclass(frozen=True, slots=True)
class Tenant:
    tenant_id: str
    name: str
    created_at: Instant
