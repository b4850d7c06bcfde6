"""Presets of every store."""

from audit_entries import AN_ENTRY
from casare_rpa.domain.presets import MAX_PRESETS, Preset, PresetKey
from casare_rpa.infrastructure.orchestrator.ports.store import Store
from storage.values import at

MARCH = PresetKey("default", "invoices", "march")


def a_preset(key: PresetKey = MARCH, request: str = '{"parameters":{"page":1}}', seconds: float = 1) -> Preset:
    return Preset(key, request, at(seconds), "ana")


async def test_presets_are_listed_by_name_for_a_workflow_of_a_tenant(store: Store) -> None:
    april = a_preset(PresetKey("default", "invoices", "april"))
    for preset in (
        a_preset(),
        april,
        a_preset(PresetKey("other", "invoices", "theirs")),
        a_preset(PresetKey("default", "payroll", "all")),
    ):
        assert await store.save_preset(preset, audit=AN_ENTRY)
    assert await store.presets("default", "invoices") == [april, a_preset()]
    assert await store.presets("default", "nothing") == []


async def test_second_save_replaces_the_first(store: Store) -> None:
    await store.save_preset(a_preset(), audit=AN_ENTRY)
    changed = a_preset(request="{}", seconds=9)
    assert await store.save_preset(changed, audit=AN_ENTRY)
    assert await store.presets("default", "invoices") == [changed]


async def test_deleted_preset_is_gone(store: Store) -> None:
    await store.save_preset(a_preset(), audit=AN_ENTRY)
    assert await store.delete_preset(MARCH, audit=AN_ENTRY)
    assert not await store.delete_preset(MARCH, audit=AN_ENTRY)
    assert await store.presets("default", "invoices") == []


async def test_workflow_has_a_limited_number_of_presets(store: Store) -> None:
    for number in range(MAX_PRESETS):
        await store.save_preset(a_preset(PresetKey("default", "invoices", str(number))), audit=AN_ENTRY)
    entries = len(await store.audit(None, (), 500, None))
    assert not await store.save_preset(a_preset(), audit=AN_ENTRY)
    assert len(await store.audit(None, (), 500, None)) == entries
    assert await store.save_preset(a_preset(PresetKey("default", "invoices", "7"), "{}"), audit=AN_ENTRY)
    assert await store.save_preset(a_preset(PresetKey("default", "payroll", "all")), audit=AN_ENTRY)
