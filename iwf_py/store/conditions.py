"""The terms of a query as SQL: conditions on a run's row, and candidates from the indexes of attributes.

What is compared is a parameter, always; names of tables and columns are constants. An attribute has no type but that of
its value, so a term asks for each type that its values can be of.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, and_, bindparam, exists, false, func, literal_column, not_, null, or_, select, true
from sqlalchemy.sql.elements import ColumnElement

from iwf_py.core.matching import is_made_of_words
from iwf_py.model.queries import BACKEND_TASK_QUEUE, BACKEND_WORKFLOW_TYPE, Kind, Operator, SystemAttribute
from iwf_py.model.status import SearchAttributeValueType, WorkflowStatus
from iwf_py.store.shapes import Asked, Lies, Range, Shape, slot_name
from iwf_py.store.statements import NOTHING
from iwf_py.store.tables import Tables

Condition = ColumnElement[bool]

# The parameter for whose runs are searched.
NAMESPACE = "namespace"

_KIND = SearchAttributeValueType
_RUNS = Tables.executions.c
_ATTRIBUTES = Tables.search.c
_WORDS = Tables.words.c
_STATES = Tables.states.c
_EXECUTING = SystemAttribute.IWF_EXECUTING_STATE_IDS

_COLUMNS: dict[Kind, ColumnElement[Any]] = {
    _KIND.KEYWORD: _ATTRIBUTES.string,
    _KIND.INT: _ATTRIBUTES.integer,
    _KIND.DOUBLE: _ATTRIBUTES.double,
    _KIND.BOOL: _ATTRIBUTES.boolean,
    _KIND.DATETIME: _ATTRIBUTES.instant,
}


def unindexed(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Compare a text without having the planner go by an index of it: which way leads to few runs is known here."""
    return column.concat(literal_column("''"))


# --- conditions on a run's row -----------------------------------------------------------------------------------


def condition(shape: Shape, *, is_open: bool = False) -> Condition:
    """
    Say when a query holds for a row of the executions.

    Args:
        is_open: Of runs that are open: what is the same for all of them is not looked up in each.
    """
    if isinstance(shape, Asked):
        columns = _OF_OPEN if is_open else _SYSTEM_COLUMNS
        return _attribute(shape) if shape.system is None else _system(shape, shape.system, columns)
    parts = [condition(part, is_open=is_open) for part in shape.parts]
    return and_(true(), *parts) if shape.is_all else or_(false(), *parts)


def _attribute(asked: Asked) -> Condition:
    here = and_(_ATTRIBUTES.run == _RUNS.run, _ATTRIBUTES.key == _slot(asked.key))
    if asked.null is not None:
        return _is_there(exists().where(here), asked.null)
    ways: list[Condition] = []
    fitting: list[Condition] = []
    for kind, lies in asked.kinds:
        if not is_made_of_words(kind):
            fitting.append(_scalar(kind, lies))
            continue
        # Each EXISTS refers to the query right around it.
        around = _ATTRIBUTES if lies.is_negated else _RUNS
        said = exists().where(_WORDS.run == around.run, _words(_slot(asked.key), kind, lies))
        if lies.is_negated:
            fitting.append(and_(_is_a(kind), not_(said)))
        else:
            ways.append(said)
    if fitting:
        ways.append(exists().where(here, or_(*fitting)))
    return or_(false(), *ways)


def _is_there(known: Condition, null: Operator) -> Condition:
    return not_(known) if null is Operator.IS_NULL else known


def _system(asked: Asked, system: SystemAttribute, columns: Mapping[SystemAttribute, ColumnElement[Any]]) -> Condition:
    if system is _EXECUTING:
        return _executing(asked)
    column = columns[system]
    if asked.null is not None:
        return _is_there(column.is_not(None), asked.null)
    return or_(false(), *(_within(column, lies) for _, lies in asked.kinds))


def _executing(asked: Asked) -> Condition:
    """Ask the states of open runs, and the words that closed ones have left."""
    is_open = _RUNS.closed_at.is_(None)
    open_state = and_(_STATES.run == _RUNS.run, _STATES.listed.is_not(None))
    left_word = and_(_WORDS.run == _RUNS.run, _WORDS.key == _slot(asked.key))
    has_any = or_(and_(is_open, exists().where(open_state)), exists().where(left_word))
    if asked.null is not None:
        return _is_there(has_any, asked.null)
    ways: list[Condition] = []
    for kind, lies in asked.kinds:
        has_one = or_(
            and_(is_open, exists().where(open_state, _in_one(_STATES.listed, lies))),
            exists().where(_WORDS.run == _RUNS.run, _words(_slot(asked.key), kind, lies)),
        )
        ways.append(and_(has_any, not_(has_one)) if lies.is_negated else has_one)
    return or_(false(), *ways)


# --- candidates --------------------------------------------------------------------------------------------------


def candidates(asked: Asked) -> list[Select[Any]] | None:
    """
    Select the runs that a term may hold for, from indexes alone; together they are all such runs.

    Returns:
        Empty: there are none. None: no index leads to them.
    """
    if asked.null is not None:
        return None
    if asked.system is not None:
        return _system_candidates(asked, asked.system)
    found = []
    for kind, lies in asked.kinds:
        if not is_made_of_words(kind):
            found.append(select(_ATTRIBUTES.run).where(_ATTRIBUTES.key == _slot(asked.key), _scalar(kind, lies)))
        elif lies.is_negated:
            return None
        else:
            found.append(select(_WORDS.run).where(_words(_slot(asked.key), kind, lies)))
    return found


def is_exact(asked: Asked) -> bool:
    """Does a term hold for each of its candidates? Among those of open states are some of runs that have closed."""
    return asked.system is not _EXECUTING


def _system_candidates(asked: Asked, system: SystemAttribute) -> list[Select[Any]] | None:
    if not asked.kinds:
        return []
    ((kind, lies),) = asked.kinds
    if lies.is_negated:
        return None
    if system is _EXECUTING:
        return [
            select(_STATES.run).where(_STATES.listed.is_not(None), _in_one(_STATES.listed, lies)),
            select(_WORDS.run).where(_words(_slot(asked.key), kind, lies)),
        ]
    column = _INDEXED.get(system)
    if column is None:
        return None
    return [select(_RUNS.run).where(_RUNS.namespace == bindparam(NAMESPACE), _in_one(column, lies))]


# By these there are indexes within a namespace.
_INDEXED: dict[SystemAttribute, ColumnElement[Any]] = {
    SystemAttribute.WORKFLOW_ID: _RUNS.workflow_id,
    SystemAttribute.RUN_ID: _RUNS.run_id,
    SystemAttribute.CLOSE_TIME: _RUNS.closed_at,
}

_LAST_ENTRY = (
    select(func.max(Tables.history.c.seq))
    .where(Tables.history.c.run == _RUNS.run)
    .correlate(Tables.executions)
    .scalar_subquery()
)

_SYSTEM_COLUMNS: dict[SystemAttribute, ColumnElement[Any]] = {
    # No index of theirs is gone by here: that is for candidates.
    SystemAttribute.WORKFLOW_ID: unindexed(_RUNS.workflow_id),
    SystemAttribute.RUN_ID: unindexed(_RUNS.run_id),
    SystemAttribute.WORKFLOW_TYPE: literal_column(f"'{BACKEND_WORKFLOW_TYPE}'"),
    SystemAttribute.IWF_WORKFLOW_TYPE: _RUNS.workflow_type,
    SystemAttribute.EXECUTION_STATUS: _RUNS.status,
    SystemAttribute.START_TIME: _RUNS.opened_at,
    SystemAttribute.EXECUTION_TIME: func.coalesce(_RUNS.runs_from, _RUNS.opened_at),
    SystemAttribute.CLOSE_TIME: _RUNS.closed_at + NOTHING,
    SystemAttribute.EXECUTION_DURATION: _RUNS.closed_at - _RUNS.opened_at,
    SystemAttribute.HISTORY_LENGTH: _LAST_ENTRY,
    SystemAttribute.TASK_QUEUE: literal_column(f"'{BACKEND_TASK_QUEUE}'"),
}

_OF_OPEN: dict[SystemAttribute, ColumnElement[Any]] = {
    **_SYSTEM_COLUMNS,
    SystemAttribute.EXECUTION_STATUS: literal_column(f"'{WorkflowStatus.RUNNING.value}'"),
    SystemAttribute.CLOSE_TIME: null(),
    SystemAttribute.EXECUTION_DURATION: null(),
}


# --- values ------------------------------------------------------------------------------------------------------


def _slot(slot: int) -> Any:
    return bindparam(slot_name(slot))


def _is_a(kind: Kind) -> Condition:
    # A constant of ours, in the text: a partial index is used only where its condition stands there.
    return _ATTRIBUTES.value_type == literal_column(f"'{kind.value}'")


def _scalar(kind: Kind, lies: Lies) -> Condition:
    """Say when an attribute of a type that is compared as a whole lies where it has to."""
    column = _COLUMNS[kind]
    found = _within(column, lies)
    if lies.has_empty:
        # Without a value it is read as empty. What is no number has no value in its column, and is not.
        nothing: Condition = column.is_(None)
        if kind is _KIND.DOUBLE:
            nothing = and_(nothing, not_(_ATTRIBUTES.is_nan))
        found = or_(found, nothing)
    return and_(_is_a(kind), found)


def _words(key: Any, kind: Kind, lies: Lies) -> Condition:
    """Say when a word of an attribute of this type is one of those that are asked for."""
    is_text = _WORDS.is_text == literal_column("1" if kind is _KIND.TEXT else "0")
    return and_(_WORDS.key == key, is_text, _in_one(_WORDS.word, lies))


def _within(column: ColumnElement[Any], lies: Lies) -> Condition:
    """Say when a column lies where it has to; where it is null, it does not."""
    found = _in_one(column, lies)
    return and_(column.is_not(None), not_(found)) if lies.is_negated else found


def _in_one(column: ColumnElement[Any], lies: Lies) -> Condition:
    ways = [_between(column, one) for one in lies.ranges]
    if len(lies.points) == 1:
        ways.append(column == _slot(lies.points[0]))
    elif lies.points:
        ways.append(column.in_([_slot(point) for point in lies.points]))
    return or_(false(), *ways)


def _between(column: ColumnElement[Any], one: Range) -> Condition:
    bounds: list[Condition] = []
    if one.low is not None:
        low = _slot(one.low)
        bounds.append(column > low if one.excludes_low else column >= low)
    if one.high is not None:
        high = _slot(one.high)
        bounds.append(column < high if one.excludes_high else column <= high)
    return and_(column.is_not(None), *bounds)
