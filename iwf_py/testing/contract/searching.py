"""Finding runs: the query language, what it means by type, pages, counts, and what only the engine writes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from iwf_py.authoring.persistence import Persistence
from iwf_py.authoring.persistence_schema import PersistenceField, PersistenceSchema
from iwf_py.authoring.rpc import rpc
from iwf_py.authoring.state_decision import StateDecision
from iwf_py.authoring.state_schema import StateSchema
from iwf_py.authoring.workflow import ObjectWorkflow
from iwf_py.authoring.workflow_options import StopWorkflowOptions, WorkflowOptions
from iwf_py.authoring.workflow_state import WorkflowState
from iwf_py.errors import ClientSideError, InvalidArgumentError
from iwf_py.model.commands import CommandRequest, TimerCommand
from iwf_py.model.payload import SearchAttribute
from iwf_py.model.requests import SearchRequest, SetAttributesRequest, StartRequest
from iwf_py.model.status import (
    SearchAttributeValueType,
    WorkflowErrorType,
    WorkflowStatus,
    WorkflowStopType,
)
from iwf_py.testing.contract.host import ContractHost
from iwf_py.testing.contract.needs import Capability, needs

KIND = SearchAttributeValueType
NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


def _schema() -> PersistenceSchema:
    return PersistenceSchema.create(
        PersistenceField.search_attribute_def("city", KIND.KEYWORD),
        PersistenceField.search_attribute_def("about", KIND.TEXT),
        PersistenceField.search_attribute_def("tags", KIND.KEYWORD_ARRAY),
        PersistenceField.search_attribute_def("count", KIND.INT),
        PersistenceField.search_attribute_def("weight", KIND.DOUBLE),
        PersistenceField.search_attribute_def("is_member", KIND.BOOL),
        PersistenceField.search_attribute_def("since", KIND.DATETIME),
    )


class Listed(ObjectWorkflow):
    """Stays open until it is stopped; lives by its attributes."""

    def get_persistence_schema(self):
        return _schema()

    @rpc()
    def since(self, persistence: Persistence) -> list[Any]:
        return [persistence.get_search_attribute_datetime("since"), persistence.get_search_attribute("since")]

    @rpc()
    def put(self, key: str, persistence: Persistence) -> None:
        persistence.set_search_attribute(key, {"since": NOON, "count": 2**62 + 1, "city": None}[key])


class First(WorkflowState[None]):
    """Goes on at once."""

    def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.single_next_state(Pause)


class Pause(WorkflowState[None]):
    """Waits for ever."""

    def wait_until(self, ctx, input, persistence, communication):
        return CommandRequest.for_all_command_completed(TimerCommand.by_seconds(1_000_000))

    def execute(self, ctx, input, command_results, persistence, communication):
        return StateDecision.graceful_complete_workflow()


class Pausing(ObjectWorkflow):
    """Stays open in a state."""

    def get_workflow_states(self):
        return StateSchema.with_starting_state(First(), Pause())


class WriteBadly(WorkflowState[dict[str, Any]]):
    """Writes what its schema would not let it write, as a worker in another language might."""

    def execute(self, ctx, input, command_results, persistence, communication):
        kind = input.pop("value_type", None)
        attribute = SearchAttribute(**input, value_type=None if kind is None else KIND(kind))
        persistence._search_writes[attribute.key] = attribute
        return StateDecision.graceful_complete_workflow()


class WritingBadly(ObjectWorkflow):
    """Its code hands over what is no search attribute."""

    def get_workflow_states(self):
        return StateSchema.with_starting_state(WriteBadly())


WORKFLOWS = (Listed(), Pausing(), WritingBadly())


def put(host: ContractHost, workflow_id: str, **attributes: Any) -> None:
    """Start a run with search attributes."""
    host.start(Listed, workflow_id, options=WorkflowOptions(initial_search_attributes=attributes))


# --- types -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "found"),
    [
        # KEYWORD: as a whole, by case, in the order of code points.
        ("city = 'Rome'", "a"),
        ('city = "rome"', ""),
        ("city != 'Rome'", "bc"),
        ("city > 'Oslo'", "ab"),
        ("city BETWEEN 'Oslo' AND 'Paris'", "bc"),
        ("city IN ('Rome', 'Oslo')", "ac"),
        ("city NOT IN ('Rome', 'Oslo')", "b"),
        ("city STARTS_WITH 'P'", "b"),
        ("city NOT STARTS_WITH 'P'", "ac"),
        ("city = 'it''s'", ""),
        ("city = 5", ""),
        # TEXT: any word of what is looked for, in lower case.
        ("about = 'QUICK'", "a"),
        ("about = 'slow brown'", "ab"),
        ("about = 'qui'", ""),
        ("about STARTS_WITH 'Qui'", "a"),
        ("about != 'quick'", "b"),
        ("about > 'a'", ""),
        # KEYWORD_ARRAY: what is in it.
        ("tags = 'x'", "ab"),
        ("tags = 'X'", ""),
        ("tags IN ('y', 'z')", "ab"),
        ("tags != 'y'", "b"),
        # INT: exact, beyond what a float can tell apart.
        ("count = 9007199254740993", "a"),
        ("count = '9007199254740992'", "b"),
        ("count > 9007199254740992", "a"),
        ("count >= 2.5", "ab"),
        ("count < 1e3", "c"),
        ("count < 99999999999999999999", "abc"),
        ("count = 'many'", ""),
        ("count != 'many'", ""),
        # DOUBLE, BOOL
        ("weight = '0.5'", "a"),
        ("weight >= 2", "b"),
        ("is_member = true", "a"),
        ("is_member = 'FALSE'", "b"),
        ("is_member < true", ""),
        # DATETIME: instants, whatever the offset.
        ("since = '2024-05-01T14:00:00+02:00'", "a"),
        ("since > '2024-05-01T11:59:59.999Z' AND since < '2024-05-01T12:00:00.000001Z'", "a"),
        ("since BETWEEN '2024-05-01T12:00:00Z' AND '2024-05-02T12:00:00Z'", "ab"),
        ("since <= 1714564800000000000", "a"),
        ("since = 'noon'", ""),
        # What is not there.
        ("about IS NULL", "c"),
        ("about IS NOT NULL", "ab"),
        ("nobody = 1", ""),
        ("nobody != 1", ""),
        ("nobody IS NULL", "abc"),
        # Together.
        ("", "abc"),
        ("city = 'Rome' OR city = 'Paris'", "ab"),
        ("city = 'Rome' AND count > 5", "a"),
        ("NOT (city = 'Rome' OR tags = 'z')", ""),
        ("not (city = 'Rome' and tags = 'z')", "abc"),
        ("NOT about = 'quick'", "b"),
        ("`city` = 'Rome' or (count < 10 and (weight is null))", "ac"),
    ],
)
def test_a_query_compares_by_type(host: ContractHost, query: str, found: str):
    """
    Each type is compared in its own way, and a run without the attribute is found by IS NULL alone.
    """
    put(
        host,
        "a",
        city="Rome",
        about="The quick, brown fox",
        tags=["x", "y"],
        count=2**53 + 1,
        weight=0.5,
        is_member=True,
        since=NOON,
    )
    put(
        host,
        "b",
        city="Paris",
        about="Slow",
        tags=["x", "z"],
        count=2**53,
        weight=2.0,
        is_member=False,
        since="2024-05-02T14:00:00+02:00",
    )
    put(host, "c", city="Oslo", count=1)

    assert sorted(host.found(query)) == list(found)
    host.restart()
    assert sorted(host.found(query)) == list(found)


def test_what_is_written_without_a_value_is_found_as_empty(host: ContractHost):
    """
    A type without a value reads as 0, false or empty.
    """
    put(host, "w")
    kinds = {
        KIND.INT: "0",
        KIND.DOUBLE: "0",
        KIND.BOOL: "false",
        KIND.KEYWORD: "''",
        KIND.DATETIME: "'1970-01-01T00:00:00Z'",
    }
    for kind in kinds:
        host.service.set_attributes(
            SetAttributesRequest(workflow_id="w", search_attributes=(SearchAttribute(kind.value, value_type=kind),))
        ).result(30)
    host.settle()

    for kind, empty in kinds.items():
        assert host.found(f"{kind.value} = {empty}") == ["w"]
        assert host.found(f"{kind.value} IS NOT NULL") == ["w"]


@needs(Capability.CLOCK)
def test_a_relative_time_means_what_it_meant_when_it_was_written(host: ContractHost):
    """
    Of a DATETIME such as ``5m`` the instant counts, not the text; user code gets the text.
    """
    put(host, "w")
    before = host.clock.now() - timedelta(minutes=5)
    attribute = SearchAttribute("since", string_value="5m", value_type=KIND.DATETIME)
    host.service.set_attributes(SetAttributesRequest(workflow_id="w", search_attributes=(attribute,))).result(30)
    host.advance("1h")
    host.restart()

    assert host.found(f"since = '{before.isoformat()}'") == ["w"]
    assert host.found("since < '1h'") == ["w"]
    assert host.found("since < '2h'") == []
    assert host.client.get_all_search_attributes(Listed, "w") == {"since": before}
    text = host.service.get_search_attributes(host.request("w")).result(30)["since"].string_value
    assert text == before.strftime("%Y-%m-%dT%H:%M:%SZ")


# --- what every run has ------------------------------------------------------------------------------------------


@needs(Capability.CLOCK)
def test_every_run_is_found_by_what_the_engine_knows(host: ContractHost):
    """
    Ids, types, status, times: as they are at the moment of the search.
    """
    host.start(Listed, "late", options=WorkflowOptions(workflow_start_delay_seconds=60))
    run_id = host.start(Pausing, "open")
    started = host.clock.now()
    host.advance("10s")
    host.start(Listed, "failed")
    host.client.stop_workflow("failed", StopWorkflowOptions(WorkflowStopType.FAIL))
    host.start(Listed, "canceled")
    host.advance("90s")
    host.client.stop_workflow("canceled")
    host.settle()
    host.restart()

    def found(query: str) -> set[str]:
        return set(host.found(query))

    everything = {"late", "open", "failed", "canceled"}
    assert found("WorkflowId = 'open'") == {"open"}
    assert found("WorkflowId STARTS_WITH 'ca' OR WorkflowId >= 'open'") == {"canceled", "open"}
    assert found(f"RunId = '{run_id}'") == {"open"}
    assert found("IwfWorkflowType = 'Pausing'") == {"open"}
    assert found("IwfWorkflowType != 'Pausing'") == everything - {"open"}
    assert found("WorkflowType = 'Interpreter' AND TaskQueue = 'Interpreter_DEFAULT'") == everything
    assert found("WorkflowType = 'Pausing'") == set()
    assert found("ExecutionStatus = 'Running'") == {"late", "open"}
    assert found("ExecutionStatus = 'FAILED'") == found("ExecutionStatus = 'failed'") == {"failed"}
    assert found("ExecutionStatus NOT IN ('Running', 'Canceled')") == {"failed"}
    assert found("ExecutionStatus IN ('TimedOut', 'Terminated', 'ContinuedAsNew', 'Completed')") == set()
    assert found("ExecutionStatus = 'Walking'") == set()
    assert found(f"StartTime <= '{started.isoformat()}'") == {"late", "open"}
    assert found(f"ExecutionTime <= '{started.isoformat()}'") == {"open"}
    assert found(f"ExecutionTime = '{(started + timedelta(seconds=60)).isoformat()}'") == {"late"}
    assert found("CloseTime IS NULL") == {"late", "open"}
    assert found(f"CloseTime > '{(started + timedelta(seconds=10)).isoformat()}'") == {"canceled"}
    assert found("ExecutionDuration >= '1m30s'") == found("ExecutionDuration = 90000000000") == {"canceled"}
    assert found("ExecutionDuration < '00:00:01'") == {"failed"}
    assert found("HistoryLength = 2") == {"late", "failed", "canceled"}
    assert found("HistoryLength > 2") == {"open"}


@needs(Capability.NAMESPACES, Capability.COUNT)
def test_namespaces_do_not_see_each_other(host: ContractHost):
    """
    A search finds runs of its own namespace.
    """
    put(host, "ours", city="Rome")
    other = host.client_of("other")
    other.start_workflow(Listed, "theirs", options=WorkflowOptions(initial_search_attributes={"city": "Rome"}))
    host.settle()

    for query in ("", "city = 'Rome'", "WorkflowId IN ('ours', 'theirs')", "ExecutionStatus = 'Running'"):
        assert host.found(query) == ["ours"]
        assert [found.workflow_id for found in other.find_workflows(query)] == ["theirs"]
        assert other.count_workflows(query) == 1


# --- order and pages ---------------------------------------------------------------------------------------------


@needs(Capability.CLOCK)
def test_open_runs_come_first_latest_first(host: ContractHost):
    """
    Open ones by their start, closed ones by their end, the latest first; one entry for each run of an id.
    """
    for name in ("a", "b", "c", "d"):
        host.start(Listed, name)
        host.advance("1s")
    for name in ("c", "a"):
        host.client.stop_workflow(name)
        host.settle()
        host.advance("1s")
    again = host.start(Listed, "c")

    page = host.client.search_workflow()

    assert [found.workflow_id for found in page.executions] == ["c", "d", "b", "a", "c"]
    assert page.next_page_token == ""
    first, *_, last = page.executions
    assert (first.run_id, first.status, first.closed_at) == (again, WorkflowStatus.RUNNING, None)
    assert (last.status, last.workflow_type) == (WorkflowStatus.CANCELED, "Listed")
    assert last.started_at is not None
    assert last.closed_at == last.started_at + timedelta(seconds=2)


@needs(Capability.CLOCK)
@pytest.mark.parametrize("query", ["", "city = 'Rome'", "ExecutionStatus IS NOT NULL OR city = 'Oslo'"])
@pytest.mark.parametrize("pause", ["0s", "1s"])
def test_pages_keep_to_the_moment_of_the_first(host: ContractHost, query: str, pause: str):
    """
    While runs come and go, nothing is told twice, nothing left out, and nothing that came later is told.
    """
    for number in range(7):
        put(host, f"w{number}", city="Rome")
        host.advance(pause)
    host.client.stop_workflow("w6")
    host.client.stop_workflow("w1")
    host.settle()
    wanted = host.found(query)
    closing = iter(["w5", "w0", "w4"])

    told: list[str] = []
    page = host.client.search_workflow(query, 2)
    while True:
        told += [found.workflow_id for found in page.executions]
        if not page.next_page_token:
            break
        host.advance(pause)
        if (stopped := next(closing, None)) is not None:
            host.client.stop_workflow(stopped)
        put(host, f"new{len(told)}", city="Rome")
        host.restart()
        page = host.client.search_workflow(query, 2, page.next_page_token)

    assert told == wanted
    assert len(told) == 7
    assert len(host.found(query)) == 10


def test_the_last_page_has_no_token(host: ContractHost):
    """
    There is a token only where something follows.
    """
    for number in range(4):
        put(host, f"w{number}")

    first = host.client.search_workflow("", 2)
    last = host.client.search_workflow("", 2, first.next_page_token)

    assert len(first.executions) == len(last.executions) == 2
    assert last.next_page_token == ""
    assert len(host.client.search_workflow("", 0).executions) == 4
    assert host.client.search_workflow("city = 'Nowhere'").executions == ()


@pytest.mark.parametrize("token", ["made up", "e30=", "eyJmb3IiOiAieCIsICJhZnRlciI6ICJ5In0=", "x" * 5000, "é"])
def test_a_token_that_was_made_up_is_refused(host: ContractHost, token: str):
    """
    Only what was answered to the same query is taken.
    """
    put(host, "a", city="Rome")
    put(host, "b", city="Rome")
    other = host.client.search_workflow("city = 'Rome'", 1).next_page_token

    for wrong in (token, other[:-4], other):
        with pytest.raises(ClientSideError, match="next_page_token") as refused:
            host.client.search_workflow("", 1, wrong)
        assert refused.value.status == 400


# --- what is wrong with a query ------------------------------------------------------------------------------------


NO_QUERIES = [
    ("nonsense here", "line 1, column 10: 'here'.*expected.*a comparison"),
    ("city = ", "line 1, column 7: the query ends too early.*a number, a value in quotes"),
    ("city = 'Rome", "line 1, column 8: .*quote"),
    ("city = Rome", "column 8: 'Rome'.*texts stand in quotes"),
    ("city = 'Rome'\n  AND AND", "line 2, column 7: 'AND'.*the name of an attribute"),
    ("city = 'Rome' ORDER BY StartTime", "column 15: 'ORDER'.*ORDER is not supported"),
    ("count(city) > 1", "column 6: '\\('.*functions are not supported"),
    ("(city = 'x'", "column 12: the query ends too early"),
    ("city = 'x' # ", "column 12: '#"),
    ("city IN ()", "column 10"),
    ("city = 1e999", "beyond all numbers"),
    # Over HTTP it is refused before it is read.
    ("city = '\0'", "NUL character|invalid request schema"),
    (" OR ".join(["city = 'x'"] * 51), "51 comparisons; at most 50"),
    (f"city IN ({', '.join(['1'] * 501)})", "501 values; at most 500"),
    ("(a=1 AND (b=1 OR " * 6 + "c=1" + "))" * 6, "more than 10 deep"),
    ("(a=1 AND (b=1 OR " * 300 + "c=1" + "))" * 300, "more than 10 deep"),
    ("x" * 9000, "9000 bytes long; at most 8192"),
]


def check_refusal(ask: Callable[[str], Any], query: str, told: str) -> None:
    """Ask with a query that is none, and look at the answer."""
    with pytest.raises(ClientSideError, match=told) as refused:
        ask(query)
    assert (refused.value.status, refused.value.sub_status) == (400, "UNCATEGORIZED_SUB_STATUS")


@pytest.mark.parametrize(("query", "told"), NO_QUERIES)
def test_a_query_that_is_none_is_refused_with_its_place(host: ContractHost, query: str, told: str):
    """
    The answer says where the query goes wrong, what stands there, and what could.
    """
    check_refusal(host.client.search_workflow, query, told)


@needs(Capability.COUNT)
def test_a_count_refuses_what_a_search_does(host: ContractHost):
    """
    In the same words.
    """
    for query, told in NO_QUERIES:
        check_refusal(host.client.count_workflows, query, told)


@needs(Capability.COUNT)
def test_a_count_is_of_all_that_a_search_finds(host: ContractHost):
    """
    Whatever the size of a page.
    """
    for workflow_id in "abc":
        put(host, workflow_id, city="Rome" if workflow_id < "c" else "Oslo")

    assert host.client.count_workflows("city = 'Rome'") == 2
    assert host.client.count_workflows() == 3
    assert host.client.count_workflows("city = 'Nowhere'") == 0


@pytest.mark.parametrize("query", ["(" * 4000 + "city = 'Rome'" + ")" * 4000, "NOT " * 2000 + "city = 'Rome'"])
def test_a_query_may_nest_deeply_where_nothing_follows_from_it(host: ContractHost, query: str):
    """
    Parentheses around parentheses are no burden.
    """
    put(host, "w", city="Rome")

    assert host.found(query) == ["w"]


def test_a_bad_namespace_is_refused(host: ContractHost):
    """
    A search asks in a namespace that can be.
    """
    with pytest.raises(InvalidArgumentError, match="query must be a str"):
        host.client.search_workflow(None)  # type: ignore[arg-type]  # that is the point
    with pytest.raises(InvalidArgumentError, match="page_size"):
        host.client.search_workflow("", -1)
    page = host.service.search(SearchRequest(query="", page_size=-5)).result(30)
    assert page.executions == ()


# --- reading and writing -------------------------------------------------------------------------------------------


def test_datetimes_are_aware_values(host: ContractHost):
    """
    A client writes and reads aware datetimes; user code reads the text as it was written, or an aware datetime.
    """
    put(host, "w", since=datetime(2024, 5, 1, 14, tzinfo=timezone(timedelta(hours=2))))

    assert host.client.get_all_search_attributes(Listed, "w") == {"since": NOON}
    assert host.client.invoke_rpc("w", Listed.since) == ["2024-05-01T12:00:00+00:00", NOON.isoformat()]
    host.client.set_workflow_search_attributes(Listed, "w", {"since": "2024-05-02T14:00:00.123456789+02:00"})
    host.restart()
    assert host.client.get_all_search_attributes(Listed, "w") == {
        "since": datetime(2024, 5, 2, 12, 0, 0, 123456, tzinfo=UTC)
    }
    read = host.service.get_search_attributes(host.request("w")).result(30)
    assert read["since"].string_value == "2024-05-02T12:00:00.123456789Z"
    assert host.client.invoke_rpc("w", Listed.since)[0] == "2024-05-02T14:00:00.123456789+02:00"


def test_user_code_writes_by_declared_type(host: ContractHost):
    """
    One pair of accessors serves all types; None deletes, and what is deleted is not found.
    """
    put(host, "w", city="Rome")

    for key in ("since", "count", "city"):
        host.client.invoke_rpc("w", Listed.put, key)
    host.settle()

    assert host.client.get_all_search_attributes(Listed, "w") == {"since": NOON, "count": 2**62 + 1}
    assert host.found(f"count = {2**62 + 1}") == ["w"]
    assert host.found(f"count = {2**62}") == []
    assert host.found("city = 'Rome'") == []
    assert host.found("city IS NULL") == ["w"]


def test_an_attribute_is_found_by_its_last_value_alone(host: ContractHost):
    """
    What was written before is forgotten, be it of another type.
    """
    put(host, "w", about="some words", tags=["x", "y"], city="Rome")
    host.client.set_workflow_search_attributes(Listed, "w", {"about": "other words", "tags": ["y"], "city": "Oslo"})
    host.settle()

    assert host.found("about = 'some'") == host.found("tags = 'x'") == host.found("city = 'Rome'") == []
    assert host.found("about = 'words' AND tags = 'y' AND city = 'Oslo'") == ["w"]
    attribute = SearchAttribute("about", integer_value=5, value_type=KIND.INT)
    host.service.set_attributes(SetAttributesRequest(workflow_id="w", search_attributes=(attribute,))).result(30)
    assert host.found("about = 5") == ["w"]
    assert host.found("about = 'words'") == []


@pytest.mark.parametrize("key", ["WorkflowId", "IwfExecutingStateIds", "StartTime"])
def test_the_engines_own_attributes_are_not_written(host: ContractHost, key: str):
    """
    A client that would write one is refused before anything is written, at the start as later.
    """
    host.start(Listed, "w")
    attribute = SearchAttribute(key, string_value="x", value_type=KIND.KEYWORD)

    with pytest.raises(ClientSideError, match=f"'{key}' is the engine's own"):
        host.service.set_attributes(SetAttributesRequest(workflow_id="w", search_attributes=(attribute,))).result(30)
    with pytest.raises(ClientSideError, match=f"'{key}' is the engine's own"):
        host.service.start(
            StartRequest(workflow_id="other", workflow_type="Listed", search_attributes=(attribute,))
        ).result(30)
    assert host.found("") == ["w"]


@pytest.mark.parametrize(
    "attribute",
    [
        {"key": "count", "integer_value": 1},
        {"key": "since", "string_value": "tomorrow", "value_type": KIND.DATETIME},
        {"key": "IwfWorkflowType", "string_value": "x", "value_type": KIND.KEYWORD},
    ],
    ids=["no type", "no date", "the engine's own"],
)
def test_a_bad_search_attribute_of_a_state_fails_the_run_typed(host: ContractHost, attribute: dict[str, Any]):
    """
    What user code wrote and cannot be is user code's failure, and says which attribute it is.
    """
    host.start(WritingBadly, "w", attribute)
    result = host.result("w")

    assert result.status is WorkflowStatus.FAILED
    assert result.error_type is WorkflowErrorType.INVALID_USER_WORKFLOW_CODE_ERROR_TYPE
    assert attribute["key"] in (result.error_message or "")
