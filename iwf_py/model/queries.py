"""Queries for runs, as values: what the query language says, in the form that memory and databases evaluate.

There is no negation among them: a NOT is carried down to the comparisons as the query is made, which is
what SQL's logic of unknown values comes to. What a comparison means is told in `core.matching`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import Enum, StrEnum

from attrs import frozen

from iwf_py.model.requests import FoundRun
from iwf_py.model.status import SearchAttributeValueType


class Operator(StrEnum):
    """How an attribute is compared; the members are spelt as in the language."""

    EQUAL = "="
    NOT_EQUAL = "!="
    LESS = "<"
    AT_LEAST = ">="
    GREATER = ">"
    AT_MOST = "<="
    IN = "IN"
    NOT_IN = "NOT IN"
    BETWEEN = "BETWEEN"
    NOT_BETWEEN = "NOT BETWEEN"
    STARTS_WITH = "STARTS_WITH"
    NOT_STARTS_WITH = "NOT STARTS_WITH"
    IS_NULL = "IS NULL"
    IS_NOT_NULL = "IS NOT NULL"


_PAIRS = (
    (Operator.EQUAL, Operator.NOT_EQUAL),
    (Operator.LESS, Operator.AT_LEAST),
    (Operator.GREATER, Operator.AT_MOST),
    (Operator.IN, Operator.NOT_IN),
    (Operator.BETWEEN, Operator.NOT_BETWEEN),
    (Operator.STARTS_WITH, Operator.NOT_STARTS_WITH),
    (Operator.IS_NULL, Operator.IS_NOT_NULL),
)
_OPPOSITES = {**dict(_PAIRS), **{second: first for first, second in _PAIRS}}

# What is written in a query: a quoted text, a number, or true and false.
Literal = str | int | float | bool


@frozen
class Term:
    """
    One comparison.

    Attributes:
        name: Of a search attribute, or a member name of `SystemAttribute`.

        values: As many as the operator takes: none, one, two, or any number of them.
    """

    name: str
    operator: Operator
    values: tuple[Literal, ...] = ()


@frozen
class AllOf:
    """Every part holds; without parts it holds for every run."""

    parts: tuple[Query, ...] = ()


@frozen
class AnyOf:
    """One of the parts holds."""

    parts: tuple[Query, ...]


Query = Term | AllOf | AnyOf

EVERYTHING = AllOf()


def negated(query: Query) -> Query:
    """Say the opposite; what is unknown of a run stays unknown, so neither matches it."""
    if isinstance(query, Term):
        return Term(query.name, _OPPOSITES[query.operator], query.values)
    parts = tuple(negated(part) for part in query.parts)
    return AnyOf(parts) if isinstance(query, AllOf) else AllOf(parts)


class SystemAttribute(StrEnum):
    """What every run can be searched by."""

    WORKFLOW_ID = "WorkflowId"
    RUN_ID = "RunId"
    WORKFLOW_TYPE = "WorkflowType"
    IWF_WORKFLOW_TYPE = "IwfWorkflowType"
    EXECUTION_STATUS = "ExecutionStatus"
    START_TIME = "StartTime"
    EXECUTION_TIME = "ExecutionTime"
    CLOSE_TIME = "CloseTime"
    EXECUTION_DURATION = "ExecutionDuration"
    HISTORY_LENGTH = "HistoryLength"
    TASK_QUEUE = "TaskQueue"
    IWF_EXECUTING_STATE_IDS = "IwfExecutingStateIds"


class SystemKind(Enum):
    """The types that only system attributes have."""

    STATUS = "status"
    DURATION = "duration"


# What an attribute is, and so how it is compared.
Kind = SearchAttributeValueType | SystemKind

SYSTEM_KINDS: Mapping[str, Kind] = {
    SystemAttribute.WORKFLOW_ID: SearchAttributeValueType.KEYWORD,
    SystemAttribute.RUN_ID: SearchAttributeValueType.KEYWORD,
    SystemAttribute.WORKFLOW_TYPE: SearchAttributeValueType.KEYWORD,
    SystemAttribute.IWF_WORKFLOW_TYPE: SearchAttributeValueType.KEYWORD,
    SystemAttribute.EXECUTION_STATUS: SystemKind.STATUS,
    SystemAttribute.START_TIME: SearchAttributeValueType.DATETIME,
    SystemAttribute.EXECUTION_TIME: SearchAttributeValueType.DATETIME,
    SystemAttribute.CLOSE_TIME: SearchAttributeValueType.DATETIME,
    SystemAttribute.EXECUTION_DURATION: SystemKind.DURATION,
    SystemAttribute.HISTORY_LENGTH: SearchAttributeValueType.INT,
    SystemAttribute.TASK_QUEUE: SearchAttributeValueType.KEYWORD,
    SystemAttribute.IWF_EXECUTING_STATE_IDS: SearchAttributeValueType.KEYWORD_ARRAY,
}

# The same for every run: what the original's backend calls all workflows of iWF.
BACKEND_WORKFLOW_TYPE = "Interpreter"
BACKEND_TASK_QUEUE = "Interpreter_DEFAULT"


@frozen(kw_only=True)
class Snapshot:
    """
    The moment of a search's first page, which all its pages keep to.

    Attributes:
        at: When it was (UTC).

        newest: The number of the newest run there was.

        moment: The number of the last commit there was; a run that closed in a later one was open then.
    """

    at: datetime
    newest: int
    moment: int


@frozen(kw_only=True)
class Found:
    """
    A run that a query found, with what its place among the others follows from.

    Attributes:
        number: Of the run; later ones have higher numbers.

        closed_in: The number of the commit in which it closed, or None.
    """

    run: FoundRun
    number: int
    closed_in: int | None = None


@frozen
class Place:
    """
    Where a run stands among those that a search finds: what is greatest comes first.

    Attributes:
        is_open: As it was at the first page.

        closed_at: The epoch for one that was open.
    """

    is_open: bool
    closed_at: datetime
    opened_at: datetime
    number: int

    @property
    def order(self) -> tuple[bool, datetime, datetime, int]:
        """What places are compared by."""
        return (self.is_open, self.closed_at, self.opened_at, self.number)


@frozen(kw_only=True)
class Bookmark:
    """Where a page ended, for the one that follows it."""

    snapshot: Snapshot
    place: Place
