"""The contracts: migrations that remove what older versions of the program need. `casare db contract` runs them.

A contract is an Alembic script, `c0001_what_it_removes.py`, with `upgrade` and one more variable: `min_reader`, the
first revision in `versions` whose programs work without the removed structures. It comes in a later release.
"""
