"""The checks of `casare doctor` on a PostgreSQL server. Each one takes the facts of the server."""

from collections.abc import Iterator

from casare_rpa.cli.check import Check, ok, problem, warning
from casare_rpa.domain.store_facts import DatabaseServerFacts

TESTED = range(15, 19)
CONNECTIONS_OF_AN_INSTANCE = 12
OLD_TRANSACTION_SECONDS = 300.0
OLD_TRANSACTIONS = 1_000_000
CLOCK_SECONDS = 2.0


def all_checks(facts: DatabaseServerFacts) -> Iterator[Check]:
    """Every check of the server, in the order of `casare doctor`."""
    yield version(facts)
    yield durability(facts)
    yield standbys(facts)
    yield connections(facts)
    yield oldest_transaction(facts)
    yield autovacuum(facts)
    yield clock(facts)


def version(facts: DatabaseServerFacts) -> Check:
    """Whether the program is tested with this version."""
    name = "database"
    if facts.major < TESTED[0]:
        return problem(
            name, f"PostgreSQL {facts.version} is too old.", f"Upgrade it to {TESTED[0]} or newer: pg_upgradecluster."
        )
    if facts.major > TESTED[-1]:
        return warning(
            name,
            f"PostgreSQL {facts.version} is newer than {TESTED[-1]}, the newest tested version.",
            "Read the changes of this version of the orchestrator before you rely on it.",
        )
    return ok(name, f"PostgreSQL {facts.version} answers and takes writes.")


def durability(facts: DatabaseServerFacts) -> Check:
    """Whether a commit survives the loss of power."""
    name = "durability"
    off = [setting for setting, on in (("fsync", facts.fsync), ("full_page_writes", facts.full_page_writes)) if not on]
    if off:
        settings = " and ".join(off)
        return problem(
            name,
            f"The server has {settings} off, so a loss of power can destroy the database.",
            "; ".join(f"ALTER SYSTEM SET {setting} = on" for setting in off) + "; SELECT pg_reload_conf().",
        )
    if facts.synchronous_commit == "off":
        return ok(name, "The server has synchronous_commit off; the orchestrator sets it on for its own connections.")
    return ok(name, "A commit waits for the disk.")


def standbys(facts: DatabaseServerFacts) -> Check:
    """Whether a promoted standby has every acknowledged change."""
    name = "standby"
    if not facts.standbys:
        if facts.synchronous_standbys:
            return problem(
                name,
                f"synchronous_standby_names is {facts.synchronous_standbys}, but no standby is connected: every write "
                "waits.",
                "Start the standby, or empty the setting.",
            )
        return ok(name, "No standby is connected; the loss of the server's disk needs a backup.")
    shown = ", ".join(f"{standby} ({state})" for standby, state in facts.standbys)
    if any(state in ("sync", "quorum", "unknown") for _, state in facts.standbys):
        return ok(name, f"Connected: {shown}.")
    return warning(
        name,
        f"No commit waits for a standby: {shown}. After a promotion, acknowledged changes can be missing.",
        f"ALTER SYSTEM SET synchronous_standby_names = '{_named(facts)}'; SELECT pg_reload_conf().",
    )


def _named(facts: DatabaseServerFacts) -> str:
    return "ANY 1 (" + ", ".join(f'"{standby}"' for standby, _ in facts.standbys) + ")"


def connections(facts: DatabaseServerFacts) -> Check:
    """Whether one more instance can connect."""
    left = facts.max_connections - facts.open_connections
    shown = f"{facts.open_connections} of {facts.max_connections} connections are open"
    if left < CONNECTIONS_OF_AN_INSTANCE:
        return warning(
            "database connections",
            f"{shown}, and an instance needs up to {CONNECTIONS_OF_AN_INSTANCE}.",
            "Raise max_connections and restart PostgreSQL, or close other programs.",
        )
    return ok("database connections", f"{shown}; an instance needs up to {CONNECTIONS_OF_AN_INSTANCE}.")


def oldest_transaction(facts: DatabaseServerFacts) -> Check:
    """Whether the server can remove dead rows. If it cannot, tables and indexes grow and claims become slow."""
    name, oldest = "oldest transaction", facts.oldest
    if oldest is None:
        return ok(name, "No other transaction is open.")
    since = f"{oldest.seconds:.0f} s" if oldest.seconds is not None else f"{oldest.transactions} transactions"
    if (oldest.seconds or 0.0) >= OLD_TRANSACTION_SECONDS or oldest.transactions >= OLD_TRANSACTIONS:
        return warning(
            name,
            f"It is that of {oldest.owner}, open for {since}; until it ends, no dead rows are removed and claims "
            "become slower.",
            "End it (pg_terminate_backend, ROLLBACK PREPARED, pg_drop_replication_slot), and set "
            "idle_in_transaction_session_timeout for that program.",
        )
    return ok(name, f"It is open for {since}.")


def autovacuum(facts: DatabaseServerFacts) -> Check:
    """Whether the server removes dead rows by itself."""
    if not facts.autovacuum:
        return problem(
            "autovacuum",
            "It is off, so dead rows stay and claims become slower every hour.",
            "ALTER SYSTEM SET autovacuum = on; SELECT pg_reload_conf().",
        )
    return ok("autovacuum", "It is on.")


def clock(facts: DatabaseServerFacts) -> Check:
    """How far the clocks are apart. Instances use that of the database."""
    ahead = facts.seconds_ahead
    if abs(ahead) >= CLOCK_SECONDS:
        side = "ahead of" if ahead > 0 else "behind"
        return warning(
            "database clock",
            f"It is {abs(ahead):.0f} s {side} that of this machine. Instances use that of the database, so times here "
            "and in the log of this machine differ.",
            "Synchronise both clocks with NTP.",
        )
    return ok("database clock", "It agrees with that of this machine.")
