"""The tables: what a run is in rows.

Every run has an integer key, `run`, that grows in time order and never leaves the store's users;
child tables are keyed (run, n). Small rows are clustered by that key; rows that carry payloads are
not: beyond a quarter of a page a clustered row of SQLite spills into a page of its own, which doubles
what a commit writes (measured at payloads of 400 bytes). Instants are integer microseconds
(`instants`). Payload data is text exactly as it was received, beside the name of its encoding; where
"no value" is possible, a flag tells it from an empty payload.

The tables stand in a registry of their own: an application's SQLModel tables do not meet them.
"""

from __future__ import annotations

from typing import Any, ClassVar

from sqlalchemy import BigInteger, Float, Index, Integer, MetaData, Table, Text, text
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

# INTEGER is what SQLite needs for a row key of its own; PostgreSQL's INTEGER has but 32 bits.
BIG = BigInteger().with_variant(Integer, "sqlite")

_CLUSTERED: dict[str, Any] = {"sqlite_with_rowid": False}


class Row(SQLModel, registry=registry(metadata=MetaData())):
    """What all tables of the store share: their own metadata."""


def _key(parent: str | None = None) -> Any:
    return Field(primary_key=True, sa_type=BIG, foreign_key=parent, sa_column_kwargs={"autoincrement": False})


def _run() -> Any:
    return _key("iwf_executions.run")


def _name() -> Any:
    return Field(primary_key=True, sa_type=Text)


def _text() -> Any:
    return Field(sa_type=Text)


def _text_or_null() -> Any:
    return Field(default=None, sa_type=Text)


def _big() -> Any:
    return Field(sa_type=BIG)


def _big_or_null() -> Any:
    return Field(default=None, sa_type=BIG)


def _partial(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    return Index(name, *columns, unique=unique, sqlite_where=text(where), postgresql_where=text(where))


class SchemaRow(Row, table=True):
    """A migration that this database has been through."""

    __tablename__ = "iwf_schema"

    version: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    applied_at: int = _big()


class EngineRow(Row, table=True):
    """
    One opening of the database by an engine.

    Attributes:
        batch: The number of the last batch that was committed; what settles an uncertain COMMIT.

        claims: The number of the last page of tasks that was claimed; the same for claims.

        is_retired: It ended in order: no call that it left behind was what ended it.
    """

    __tablename__ = "iwf_engines"

    epoch: int = _key()
    holder: str = _text()
    opened_at: int = _big()
    batch: int = _big()
    claims: int = _big()
    is_retired: bool


class SequenceRow(Row, table=True):
    """Where the next block of keys begins."""

    __tablename__ = "iwf_sequences"

    name: str = _name()
    next: int = _big()


class ExecutionRow(Row, table=True):
    """
    A run; touched only when its life changes.

    Attributes:
        superseded: 0 for the latest run of its workflow id, its own key for those before: so that the latest is found in one step,
            and a second one beside an open one cannot be written.

        started: The event it began with, as text, where it is not that of history entry 1.

        starts_at: The end of the start delay, while that lasts.

        request_id: Of the start, where the caller gave one.

        closing: What was open when it closed, as text.

        successor: The run that follows it, as text.

        parked: Why it is held apart.

        config: Its settings as text, where they are not those that it was started with.

        leftovers_at: When it closed with states or messages that are still to be deleted; null where there are none.

        runs_from: The end of its start delay, also when that is over; null where there was none.

        closed_in: The number of the commit that closed it (see `writing.commit_number`), by which pages of a search tell what closed
            since the first of them.
    """

    __tablename__ = "iwf_executions"
    __table_args__ = (
        Index("iwf_executions_latest", "namespace", "workflow_id", "superseded", unique=True),
        Index("iwf_executions_run_id", "namespace", "run_id", unique=True),
        _partial("iwf_executions_leftovers", "leftovers_at", where="leftovers_at IS NOT NULL"),
        # The order of searches. The two columns behind it spare a look into the row of what is not found.
        Index("iwf_executions_found", "namespace", "closed_at", "opened_at", "run", "workflow_type", "status"),
        _partial("iwf_executions_closed_in", "closed_in", where="closed_in IS NOT NULL"),
    )

    run: int = _key()
    namespace: str = _text()
    workflow_id: str = _text()
    superseded: int = _big()
    run_id: str = _text()
    workflow_type: str = _text()
    status: str = _text()
    opened_at: int = _big()
    started: str | None = _text_or_null()
    first_run_id: str = _text()
    run_attempt: int = _big()
    deadline: int | None = _big_or_null()
    previous_run_id: str | None = _text_or_null()
    reason: str | None = _text_or_null()
    starts_at: int | None = _big_or_null()
    request_id: str | None = _text_or_null()
    rules: int = _big()
    is_closing: bool
    closed_at: int | None = _big_or_null()
    error_type: str | None = _text_or_null()
    error_message: str | None = _text_or_null()
    closing: str | None = _text_or_null()
    successor: str | None = _text_or_null()
    parked: str | None = _text_or_null()
    leftovers_at: int | None = _big_or_null()
    config: str | None = _text_or_null()
    runs_from: int | None = _big_or_null()
    closed_in: int | None = _big_or_null()


class HistoryRow(Row, table=True):
    """An event that changed something. That (run, seq) is unique is the compare-and-swap of a run."""

    __tablename__ = "iwf_history"
    __table_args__ = (
        _partial("iwf_history_request", "run", "request_id", where="request_id IS NOT NULL", unique=True),
    )

    run: int = _run()
    seq: int = _key()
    at: int = _big()
    kind: str = _text()
    event: str = _text()
    format: int = _big()
    request_id: str | None = _text_or_null()


class AttributeRow(Row, table=True):
    """A data attribute; *revision* is the seq that wrote it."""

    __tablename__ = "iwf_attributes"

    run: int = _run()
    key: str = _name()
    encoding: str | None = _text_or_null()
    data: str | None = _text_or_null()
    revision: int = _big()


class SearchAttributeRow(Row, table=True):
    """
    A search attribute, each kind of value in a column of its own.

    Attributes:
        array: The list of a KEYWORD_ARRAY, as JSON.

        is_nan: The float is not a number, which a column cannot hold.

        instant: What the text of a DATETIME meant when it was written.
    """

    __tablename__ = "iwf_search_attributes"
    # Each row is in one of these at most, by its type; texts and lists are found by their words. The type is in the index, too, so
    # that who asks for it need not look into the row.
    __table_args__ = (
        _partial("iwf_search_keywords", "key", "string", "run", "value_type", where="value_type = 'KEYWORD'"),
        _partial("iwf_search_integers", "key", "integer", "run", "value_type", where="value_type = 'INT'"),
        _partial("iwf_search_doubles", "key", "double", "run", "value_type", where="value_type = 'DOUBLE'"),
        _partial("iwf_search_booleans", "key", "boolean", "run", "value_type", where="value_type = 'BOOL'"),
        _partial("iwf_search_instants", "key", "instant", "run", "value_type", where="value_type = 'DATETIME'"),
    )

    run: int = _run()
    key: str = _name()
    value_type: str | None = _text_or_null()
    string: str | None = _text_or_null()
    integer: int | None = _big_or_null()
    double: float | None = Field(default=None, sa_type=Float)
    boolean: bool | None = None
    array: str | None = _text_or_null()
    is_nan: bool
    revision: int = _big()
    instant: int | None = _big_or_null()


class SearchWordRow(Row, table=True):
    """
    A word by which a search attribute may be found.

    The states that were open when a run closed are words of IwfExecutingStateIds; of an open run its states' rows tell.

    Attributes:
        word: An element of an array, or a word of a text in lower case.

        is_text: The latter.
    """

    __tablename__ = "iwf_search_words"
    __table_args__ = (Index("iwf_search_words_found", "key", "is_text", "word", "run"), _CLUSTERED)

    run: int = _run()
    key: str = _name()
    word: str = _name()
    is_text: bool = Field(sa_column_kwargs={"server_default": text("0")})


class MessageRow(Row, table=True):
    """A message: in its channel, or taken by a state's command until that state leaves."""

    __tablename__ = "iwf_messages"
    __table_args__ = (_partial("iwf_messages_taken", "run", "state", where="state IS NOT NULL"),)

    run: int = _run()
    number: int = _key()
    family: str = _text()
    channel: str = _text()
    has_value: bool
    encoding: str | None = _text_or_null()
    data: str | None = _text_or_null()
    state: int | None = _big_or_null()
    command: int | None = _big_or_null()


class StateRow(Row, table=True):
    """
    An open state execution, and the task that its outstanding call is.

    Attributes:
        owner: The epoch of the engine that owns the call; null where none is outstanding.

        due_at: When the call is to be tried again; null when it may be made at once.

        emptied: Which of its commands until a channel is empty are complete, as text; null where none is.
        listed: Its state id, where IwfExecutingStateIds lists it.
    """

    __tablename__ = "iwf_states"
    __table_args__ = (
        _partial("iwf_states_owned", "owner", "due_at", "run", "number", where="owner IS NOT NULL"),
        _partial("iwf_states_listed", "listed", "run", where="listed IS NOT NULL"),
    )

    run: int = _run()
    number: int = _key()
    state_id: str = _text()
    ordinal: int = _big()
    has_input: bool
    encoding: str | None = _text_or_null()
    data: str | None = _text_or_null()
    options: str | None = _text_or_null()
    wait_for_key: str | None = _text_or_null()
    failure: str | None = _text_or_null()
    phase: str = _text()
    ticket: int | None = _big_or_null()
    invoked_at: int | None = _big_or_null()
    commands: str | None = _text_or_null()
    locals: str | None = _text_or_null()
    wait_until_succeeded: bool
    owner: int | None = _big_or_null()
    failures: int | None = _big_or_null()
    recoveries: int | None = _big_or_null()
    first_at: int | None = _big_or_null()
    due_at: int | None = _big_or_null()
    last_failure: str | None = _text_or_null()
    emptied: str | None = _text_or_null()
    listed: str | None = _text_or_null()


class TimerRow(Row, table=True):
    """
    A timer of a state, or under state 0 one of the run: its deadline and its start delay.

    Attributes:
        status: Null, or "fired" or "skipped".

        wake_at: The instant at which it is to be told; null once nobody waits for it any more.
    """

    __tablename__ = "iwf_timers"
    __table_args__ = (_partial("iwf_timers_wake", "wake_at", where="wake_at IS NOT NULL"), _CLUSTERED)

    run: int = _run()
    number: int = _key()
    position: int = _key()
    due: int = _big()
    status: str | None = _text_or_null()
    wake_at: int | None = _big_or_null()


class SkipRow(Row, table=True):
    """
    A timer that is to be skipped once its state execution waits.

    Attributes:
        execution: The state execution's id, which need not be open yet.

        number: The order in which skips came.

        position: Of the timer, where no command id names it.
    """

    __tablename__ = "iwf_skips"
    __table_args__ = _CLUSTERED

    run: int = _run()
    execution: str = _name()
    number: int = _key()
    command_id: str | None = _text_or_null()
    position: int | None = _big_or_null()


class OrdinalRow(Row, table=True):
    """How many executions of a state a run has opened; kept when it has closed, for what completed follows from it."""

    __tablename__ = "iwf_ordinals"
    __table_args__ = _CLUSTERED

    run: int = _run()
    state_id: str = _name()
    opened: int = _big()


class CompletionRow(Row, table=True):
    """
    A state execution that is over and of which more is known than that: an output for the run's result, a key, or that it failed.

    Attributes:
        place: The order of completion.

        has_failed: Its failure state followed: it has not completed.
    """

    __tablename__ = "iwf_completions"

    run: int = _run()
    number: int = _key()
    place: int = _big()
    state_id: str = _text()
    ordinal: int = _big()
    wait_for_key: str | None = _text_or_null()
    has_output: bool
    encoding: str | None = _text_or_null()
    data: str | None = _text_or_null()
    has_failed: bool = Field(sa_column_kwargs={"server_default": text("0")})


class RpcRow(Row, table=True):
    """A locking RPC that is open; its keys follow from the request."""

    __tablename__ = "iwf_rpcs"
    __table_args__ = (Index("iwf_rpcs_epoch", "epoch", "run", "number"),)

    run: int = _run()
    number: int = _key()
    request: str = _text()
    ticket: int = _big()
    at: int = _big()
    epoch: int = _big()


def table(row_class: type[Row]) -> Table:
    """Return the table that *row_class* declares."""
    return Row.metadata.tables[str(row_class.__tablename__)]


class Tables:
    """The tables by name, as the statements use them."""

    schema: ClassVar[Table] = table(SchemaRow)
    engines: ClassVar[Table] = table(EngineRow)
    sequences: ClassVar[Table] = table(SequenceRow)
    executions: ClassVar[Table] = table(ExecutionRow)
    history: ClassVar[Table] = table(HistoryRow)
    attributes: ClassVar[Table] = table(AttributeRow)
    search: ClassVar[Table] = table(SearchAttributeRow)
    words: ClassVar[Table] = table(SearchWordRow)
    messages: ClassVar[Table] = table(MessageRow)
    states: ClassVar[Table] = table(StateRow)
    timers: ClassVar[Table] = table(TimerRow)
    skips: ClassVar[Table] = table(SkipRow)
    ordinals: ClassVar[Table] = table(OrdinalRow)
    completions: ClassVar[Table] = table(CompletionRow)
    rpcs: ClassVar[Table] = table(RpcRow)
