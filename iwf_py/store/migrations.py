"""How the schema came to be: forward steps, each in one transaction.

A step that was interrupted was never taken, so the next opening takes it. The statements are frozen
text: what a released version has written is not rewritten by a later change of `tables`; a test
compares the two.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from attrs import frozen

from iwf_py.errors import StoreUnusableError, StoreVersionError
from iwf_py.store.driver import Connection, Cursor, Driver
from iwf_py.store.filling import fill_instants, fill_progress
from iwf_py.store.instants import to_micros

_FIRST = (
    """
        CREATE TABLE iwf_schema (
            version INTEGER NOT NULL,
            applied_at INTEGER NOT NULL,
            PRIMARY KEY (version)
        )
    """,
    """
        CREATE TABLE iwf_engines (
            epoch INTEGER NOT NULL,
            holder TEXT NOT NULL,
            opened_at INTEGER NOT NULL,
            batch INTEGER NOT NULL,
            claims INTEGER NOT NULL,
            is_retired BOOLEAN NOT NULL,
            PRIMARY KEY (epoch)
        )
    """,
    """
        CREATE TABLE iwf_sequences (
            name TEXT NOT NULL,
            next INTEGER NOT NULL,
            PRIMARY KEY (name)
        )
    """,
    """
        CREATE TABLE iwf_schedules (
            schedule INTEGER NOT NULL,
            namespace TEXT NOT NULL,
            workflow_id TEXT NOT NULL,
            expression TEXT NOT NULL,
            request TEXT NOT NULL,
            created_at INTEGER NOT NULL,
            next_at INTEGER,
            PRIMARY KEY (schedule)
        )
    """,
    """
        CREATE UNIQUE INDEX iwf_schedules_key ON iwf_schedules (namespace, workflow_id)
    """,
    """
        CREATE INDEX iwf_schedules_next ON iwf_schedules (next_at) WHERE next_at IS NOT NULL
    """,
    """
        CREATE TABLE iwf_executions (
            run INTEGER NOT NULL,
            namespace TEXT NOT NULL,
            workflow_id TEXT NOT NULL,
            superseded INTEGER NOT NULL,
            run_id TEXT NOT NULL,
            workflow_type TEXT NOT NULL,
            status TEXT NOT NULL,
            opened_at INTEGER NOT NULL,
            started TEXT,
            first_run_id TEXT NOT NULL,
            run_attempt INTEGER NOT NULL,
            deadline INTEGER,
            previous_run_id TEXT,
            reason TEXT,
            starts_at INTEGER,
            request_id TEXT,
            schedule INTEGER,
            rules INTEGER NOT NULL,
            is_closing BOOLEAN NOT NULL,
            closed_at INTEGER,
            error_type TEXT,
            error_message TEXT,
            closing TEXT,
            successor TEXT,
            parked TEXT,
            leftovers_at INTEGER,
            PRIMARY KEY (run)
        )
    """,
    """
        CREATE UNIQUE INDEX iwf_executions_latest ON iwf_executions (namespace, workflow_id, superseded)
    """,
    """
        CREATE INDEX iwf_executions_leftovers ON iwf_executions (leftovers_at) WHERE leftovers_at IS NOT NULL
    """,
    """
        CREATE UNIQUE INDEX iwf_executions_run_id ON iwf_executions (namespace, run_id)
    """,
    """
        CREATE TABLE iwf_history (
            run INTEGER NOT NULL,
            seq INTEGER NOT NULL,
            at INTEGER NOT NULL,
            kind TEXT NOT NULL,
            event TEXT NOT NULL,
            format INTEGER NOT NULL,
            request_id TEXT,
            PRIMARY KEY (run, seq),
            FOREIGN KEY(run) REFERENCES iwf_executions (run)
        )
    """,
    """
        CREATE UNIQUE INDEX iwf_history_request ON iwf_history (run, request_id) WHERE request_id IS NOT NULL
    """,
    """
        CREATE TABLE iwf_attributes (
            run INTEGER NOT NULL,
            "key" TEXT NOT NULL,
            encoding TEXT,
            data TEXT,
            revision INTEGER NOT NULL,
            PRIMARY KEY (run, "key"),
            FOREIGN KEY(run) REFERENCES iwf_executions (run)
        )
    """,
    """
        CREATE TABLE iwf_search_attributes (
            run INTEGER NOT NULL,
            "key" TEXT NOT NULL,
            value_type TEXT,
            string TEXT,
            integer INTEGER,
            double FLOAT,
            boolean BOOLEAN,
            array TEXT,
            is_nan BOOLEAN NOT NULL,
            revision INTEGER NOT NULL,
            PRIMARY KEY (run, "key"),
            FOREIGN KEY(run) REFERENCES iwf_executions (run)
        )
    """,
    """
        CREATE TABLE iwf_search_words (
            run INTEGER NOT NULL,
            "key" TEXT NOT NULL,
            word TEXT NOT NULL,
            PRIMARY KEY (run, "key", word),
            FOREIGN KEY(run) REFERENCES iwf_executions (run)
        )
         WITHOUT ROWID
    """,
    """
        CREATE TABLE iwf_states (
            run INTEGER NOT NULL,
            number INTEGER NOT NULL,
            state_id TEXT NOT NULL,
            ordinal INTEGER NOT NULL,
            has_input BOOLEAN NOT NULL,
            encoding TEXT,
            data TEXT,
            options TEXT,
            wait_for_key TEXT,
            failure TEXT,
            phase TEXT NOT NULL,
            ticket INTEGER,
            invoked_at INTEGER,
            commands TEXT,
            locals TEXT,
            wait_until_succeeded BOOLEAN NOT NULL,
            owner INTEGER,
            failures INTEGER,
            recoveries INTEGER,
            first_at INTEGER,
            due_at INTEGER,
            last_failure TEXT,
            PRIMARY KEY (run, number),
            FOREIGN KEY(run) REFERENCES iwf_executions (run)
        )
    """,
    """
        CREATE INDEX iwf_states_owned ON iwf_states (owner, due_at, run, number) WHERE owner IS NOT NULL
    """,
    """
        CREATE TABLE iwf_timers (
            run INTEGER NOT NULL,
            number INTEGER NOT NULL,
            position INTEGER NOT NULL,
            due INTEGER NOT NULL,
            status TEXT,
            wake_at INTEGER,
            PRIMARY KEY (run, number, position),
            FOREIGN KEY(run) REFERENCES iwf_executions (run)
        )
         WITHOUT ROWID
    """,
    """
        CREATE INDEX iwf_timers_wake ON iwf_timers (wake_at) WHERE wake_at IS NOT NULL
    """,
    """
        CREATE TABLE iwf_messages (
            run INTEGER NOT NULL,
            number INTEGER NOT NULL,
            family TEXT NOT NULL,
            channel TEXT NOT NULL,
            has_value BOOLEAN NOT NULL,
            encoding TEXT,
            data TEXT,
            state INTEGER,
            command INTEGER,
            PRIMARY KEY (run, number),
            FOREIGN KEY(run) REFERENCES iwf_executions (run)
        )
    """,
    """
        CREATE INDEX iwf_messages_taken ON iwf_messages (run, state) WHERE state IS NOT NULL
    """,
    """
        CREATE TABLE iwf_ordinals (
            run INTEGER NOT NULL,
            state_id TEXT NOT NULL,
            opened INTEGER NOT NULL,
            PRIMARY KEY (run, state_id),
            FOREIGN KEY(run) REFERENCES iwf_executions (run)
        )
         WITHOUT ROWID
    """,
    """
        CREATE TABLE iwf_completions (
            run INTEGER NOT NULL,
            number INTEGER NOT NULL,
            place INTEGER NOT NULL,
            state_id TEXT NOT NULL,
            ordinal INTEGER NOT NULL,
            wait_for_key TEXT,
            has_output BOOLEAN NOT NULL,
            encoding TEXT,
            data TEXT,
            PRIMARY KEY (run, number),
            FOREIGN KEY(run) REFERENCES iwf_executions (run)
        )
    """,
    """
        CREATE TABLE iwf_rpcs (
            run INTEGER NOT NULL,
            number INTEGER NOT NULL,
            request TEXT NOT NULL,
            ticket INTEGER NOT NULL,
            at INTEGER NOT NULL,
            epoch INTEGER NOT NULL,
            PRIMARY KEY (run, number),
            FOREIGN KEY(run) REFERENCES iwf_executions (run)
        )
    """,
    """
        CREATE INDEX iwf_rpcs_epoch ON iwf_rpcs (epoch, run, number)
    """,
)


# What the complete model needs. A schedule is part of the runs that it opens, so it has no table of its own.
_SECOND = (
    """
        DROP TABLE iwf_schedules
    """,
    """
        ALTER TABLE iwf_executions DROP COLUMN schedule
    """,
    """
        ALTER TABLE iwf_executions ADD COLUMN config TEXT
    """,
    """
        ALTER TABLE iwf_completions ADD COLUMN has_failed BOOLEAN DEFAULT 0 NOT NULL
    """,
    """
        ALTER TABLE iwf_states ADD COLUMN emptied TEXT
    """,
    """
        CREATE TABLE iwf_skips (
            run INTEGER NOT NULL,
            execution TEXT NOT NULL,
            number INTEGER NOT NULL,
            command_id TEXT,
            position INTEGER,
            PRIMARY KEY (run, execution, number),
            FOREIGN KEY(run) REFERENCES iwf_executions (run)
        )
         WITHOUT ROWID
    """,
    """
        ALTER TABLE iwf_executions ADD COLUMN runs_from INTEGER
    """,
    """
        ALTER TABLE iwf_executions ADD COLUMN closed_in INTEGER
    """,
    """
        UPDATE iwf_executions SET runs_from = starts_at, closed_in = CASE WHEN closed_at IS NULL THEN NULL ELSE 0 END
    """,
    """
        CREATE INDEX iwf_executions_found
            ON iwf_executions (namespace, closed_at, opened_at, run, workflow_type, status)
    """,
    """
        CREATE INDEX iwf_executions_closed_in ON iwf_executions (closed_in) WHERE closed_in IS NOT NULL
    """,
    """
        ALTER TABLE iwf_search_attributes ADD COLUMN instant INTEGER
    """,
    """
        CREATE INDEX iwf_search_keywords
            ON iwf_search_attributes ("key", string, run, value_type) WHERE value_type = 'KEYWORD'
    """,
    """
        CREATE INDEX iwf_search_integers
            ON iwf_search_attributes ("key", integer, run, value_type) WHERE value_type = 'INT'
    """,
    """
        CREATE INDEX iwf_search_doubles
            ON iwf_search_attributes ("key", double, run, value_type) WHERE value_type = 'DOUBLE'
    """,
    """
        CREATE INDEX iwf_search_booleans
            ON iwf_search_attributes ("key", boolean, run, value_type) WHERE value_type = 'BOOL'
    """,
    """
        CREATE INDEX iwf_search_instants
            ON iwf_search_attributes ("key", instant, run, value_type) WHERE value_type = 'DATETIME'
    """,
    """
        ALTER TABLE iwf_search_words ADD COLUMN is_text BOOLEAN DEFAULT 0 NOT NULL
    """,
    """
        UPDATE iwf_search_words SET is_text = EXISTS (
            SELECT 1 FROM iwf_search_attributes AS attribute
            WHERE attribute.run = iwf_search_words.run AND attribute."key" = iwf_search_words."key"
                AND attribute.value_type = 'TEXT'
        )
    """,
    """
        CREATE INDEX iwf_search_words_found ON iwf_search_words ("key", is_text, word, run)
    """,
    """
        ALTER TABLE iwf_states ADD COLUMN listed TEXT
    """,
    """
        UPDATE iwf_states SET listed = state_id
        WHERE CASE (
            SELECT json_extract(event, '$.request.config.executing_state_id_mode') FROM iwf_history
            WHERE iwf_history.run = iwf_states.run AND seq = 1 AND kind = 'Started'
        )
            WHEN 'DISABLED' THEN 0
            WHEN 'ENABLED_FOR_ALL' THEN 1
            ELSE coalesce(json_extract(options, '$.skip_wait_until'), 0) = 0
        END
    """,
    """
        CREATE INDEX iwf_states_listed ON iwf_states (listed, run) WHERE listed IS NOT NULL
    """,
)


@frozen
class Migration:
    """
    One step.

    Attributes:
        statements: By the dialect's name.

        fills: Then write what follows for the runs that are there.
    """

    version: int
    statements: Mapping[str, tuple[str, ...]]
    fills: tuple[Callable[[Cursor], None], ...] = ()


MIGRATIONS: tuple[Migration, ...] = (
    Migration(1, {"sqlite": _FIRST}),
    Migration(2, {"sqlite": _SECOND}, (fill_progress, fill_instants)),
)

_SCHEMA_TABLE = "iwf_schema"


def check_version(cursor: Cursor, driver: Driver, migrations: tuple[Migration, ...] = MIGRATIONS) -> int:
    """
    Tell which version the database is at; 0 when it is empty. Writes nothing.

    Errors:
        StoreUnusableError: It holds tables of something else.

        StoreVersionError: It is of a newer version.
    """
    names = driver.table_names(cursor)
    if _SCHEMA_TABLE not in names:
        if names:
            raise StoreUnusableError(
                f"database {driver.place} holds tables that are not ours ({', '.join(sorted(names)[:3])}...); "
                "give the engine a database of its own"
            )
        return 0
    cursor.execute(f"SELECT max(version) FROM {_SCHEMA_TABLE}")  # noqa: S608  # a constant
    row = cursor.fetchone()
    version = int(row[0] or 0) if row else 0
    newest = migrations[-1].version
    if version > newest:
        raise StoreVersionError(
            f"database {driver.place} has schema version {version}, this version of iwf_py knows up to {newest}; "
            "install the version that wrote it, or a newer one"
        )
    return version


def migrate(
    connection: Connection, driver: Driver, now: datetime, migrations: tuple[Migration, ...] = MIGRATIONS
) -> None:
    """Take the steps that are left, each in a transaction of its own."""
    cursor = connection.cursor()
    version = check_version(cursor, driver, migrations)
    for migration in migrations:
        if migration.version > version:
            cursor.execute(driver.begin)
            for statement in migration.statements[driver.dialect.name]:
                cursor.execute(statement)
            for fill in migration.fills:
                fill(cursor)
            cursor.execute(
                f"INSERT INTO {_SCHEMA_TABLE} (version, applied_at) VALUES ({migration.version}, {to_micros(now)})"  # noqa: S608  # integers
            )
            cursor.execute("COMMIT")
