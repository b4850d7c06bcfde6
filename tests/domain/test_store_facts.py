"""The records on a store, its server and its tables are values."""

from casare_rpa.domain.store_facts import OpenTransaction, StoreKind, TableSize


def test_kinds_with_the_same_name_and_schema_are_equal() -> None:
    assert StoreKind("sqlite", "0026") == StoreKind(name="sqlite", schema="0026")
    assert StoreKind("sqlite", "0026") != StoreKind("postgresql", "0026")


def test_size_of_a_table_is_exact_unless_it_is_called_an_estimate() -> None:
    table = TableSize("jobs", rows=1, bytes=4096)
    assert (table.rows_estimated, table.bytes_estimated) == (False, False)


def test_age_of_a_transaction_can_be_unknown() -> None:
    slot = OpenTransaction("the replication slot backup", None, 12)
    assert (slot.seconds, slot.transactions) == (None, 12)
