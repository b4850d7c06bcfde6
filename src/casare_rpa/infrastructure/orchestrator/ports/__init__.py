"""The interfaces of a store and a clock, split by reader. Protocols only; the records are in `domain/`.

A slice names the narrowest protocol that it needs, so that its fake stays small. `store.Store` is the union of the
store's protocols. A method is added here only together with its conformance test in `tests/storage`.

Guarantees of every store:

- **Atomic and durable.** Each call that writes is one committed transaction, or part of one that it shares with other
  calls (group commit). When the call returns, its effect survives `kill -9`. When COMMIT fails, every call in the
  transaction raises StoreUnavailable and nothing of it is written.
- **Order of visibility.** Event ids, log ids and the line numbers of a robot become visible in the order in which
  they were committed: a reader that has seen a number never sees a smaller one appear later.
- **Snapshots.** Each read sees one committed state. It includes every write that returned before the read began. Two
  reads may see two states; a caller that combines them compares revisions.
- **Several writers.** These guarantees also hold if another process writes the same database between two calls. A
  claim may miss a placement that another process opened within the last second.
- **Repetition.** After StoreUnavailable these calls may be repeated as they are, and leave the store as one call
  does: `add_jobs` with an idempotency key, `apply`, `beat`, `connect`, `leave`, `hear`, `depart`, `append_logs` of a
  journal, `introduce`, `open_journal`, `extend_leases`, `change_robot`, `order_robots`, `pause_queue`,
  `resume_queue`, `revoke_key`, `add_tenant`, `add_robot`, `add_queue`, `add_login`, `sample_queues`,
  `write_failure_note`, `mute_failures`, `unmute_failures`, `save_preset`, `delete_preset`, `delete_failure_notes`,
  `delete_tallies`, `spend`, `delete_spent`, `add_sign_in_code`, `use_sign_in_code` and every read. The answer may
  differ: the second `add_queue`, `spend` or `use_sign_in_code` returns False. An order that is repeated may have two
  audit entries. `claim` may be repeated too: the offer of a lost answer is in the next answer, or stays with its
  robot until its expiry returns the job. `adopt` may be repeated, but the second call returns only what the first one
  did not do. Not `add_key` (the key exists), `attempt` (it counts twice), or `delete_oldest` and `delete_oldest_lines`
  (they delete more rows).
"""
