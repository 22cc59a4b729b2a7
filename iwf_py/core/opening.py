"""How a run begins: what may be asked, the reuse of ids, and the first turn."""

from __future__ import annotations

from datetime import datetime, timedelta

from attrs import evolve

from iwf_py.core.attributes import MAX_ATTRIBUTES, MAX_ATTRIBUTES_SIZE, first_search_problem
from iwf_py.core.changes import ExecutionOpened, Succeeded
from iwf_py.core.closing import close, time_out
from iwf_py.core.effects import Accepted, Answer, Refused, SetTimer
from iwf_py.core.events import RULES, Started
from iwf_py.core.record import Record, opened_record
from iwf_py.core.settling import settle
from iwf_py.core.states import open_state
from iwf_py.core.step import Step, Turn
from iwf_py.core.writing import write_attributes
from iwf_py.errors import (
    ClientSideError,
    HttpError,
    InvalidArgumentError,
    TooManyRequestsError,
    TransitionError,
    WorkflowAlreadyStartedError,
)
from iwf_py.model.decisions import SYSTEM_STATE_IDS
from iwf_py.model.durations import MAX_DURATION
from iwf_py.model.ids import check_name
from iwf_py.model.options import Chain
from iwf_py.model.requests import StartRequest
from iwf_py.model.status import IDReusePolicy, WorkflowStatus


def start(record: Record | None, event: Started) -> Turn:
    """Open a run, or say why not; *record* is the latest run of the workflow id."""
    if event.rules > RULES:
        raise TransitionError(f"run {event.run_id} goes by rules {event.rules}; this version knows {RULES}")
    if event.request.cron is not None and event.tick is None:
        raise TransitionError(f"run {event.run_id} has a schedule, and no tick to begin at")
    problem = request_problem(event.request, event.at)
    if problem is not None:
        return Turn(record, (), (), Refused(problem))
    if record is None:
        return _open(event)
    if event.at < record.last_at:
        raise TransitionError(f"run {event.run_id} is asked for before the last turn of run {record.run_id}")
    if record.closed is not None:
        if _may_follow(event.request.id_reuse_policy, record.closed.status):
            return _open(event)
        return Turn(record, (), (), _conflict(record, record.closed.status, event.request))
    step = Step(record, event.at)
    return step.turn(record, _replace(step, record, event))


def _replace(step: Step, record: Record, event: Started) -> Answer:
    """Start against an open run: only one that is past its deadline, or may be terminated, makes way."""
    policy = event.request.id_reuse_policy
    if record.deadline is not None and event.at >= record.deadline:
        time_out(step)
        if not _may_follow(policy, WorkflowStatus.TIMEOUT):
            return _conflict(record, WorkflowStatus.TIMEOUT, event.request)
        step.change(Succeeded(next=event, is_retry=False))
    elif policy is IDReusePolicy.ALLOW_TERMINATE_IF_RUNNING:
        close(step, WorkflowStatus.TERMINATED)
        chain = evolve(own_chain(event), previous_run_id=record.run_id, reason="terminate")
        step.change(Succeeded(next=evolve(event, chain=chain), is_retry=False))
    else:
        return _conflict(record, None, event.request)
    return Accepted(event.run_id)


def _open(event: Started) -> Turn:
    request = event.request
    change = ExecutionOpened(started=event, chain=event.chain or own_chain(event), starts_at=_starts_at(event))
    record = opened_record(change)
    step = Step(record, event.at)
    # It is folded already: the record that all other changes go into is made of it.
    step.changes.append(change)
    if request.attributes or request.search_attributes:
        write_attributes(step, request.attributes, request.search_attributes)
    if record.deadline is not None:
        step.effects.append(SetTimer(record.deadline))
    if record.starts_at is not None:
        step.effects.append(SetTimer(record.starts_at))
    if request.start is not None:
        open_state(step, request.start)
    settle(step)
    return step.turn(record, Accepted(event.run_id))


def _starts_at(event: Started) -> datetime | None:
    """Tell when a run begins, by its delay and its tick; None for at once."""
    instant = event.at + event.request.start_delay
    if event.tick is not None and event.tick > instant:
        instant = event.tick
    return instant if instant > event.at else None


def own_chain(event: Started) -> Chain:
    """Make the chain that begins with a run."""
    return Chain(first_run_id=event.run_id, deadline=deadline_of(event, event.at))


def deadline_of(started: Started, at: datetime) -> datetime | None:
    """Tell when a run times out whose time counts from *at*, or from its tick where that is still to come."""
    timeout = started.request.timeout
    if not timeout:
        return None
    return timeout + (at if started.tick is None else max(at, started.tick))


def _may_follow(policy: IDReusePolicy, status: WorkflowStatus) -> bool:
    """Tell whether a run may be opened after one that closed with *status*."""
    if policy is IDReusePolicy.ALLOW_IF_PREVIOUS_EXITS_ABNORMALLY:
        return status is not WorkflowStatus.COMPLETED
    return policy is not IDReusePolicy.DISALLOW_REUSE


def _conflict(record: Record, status: WorkflowStatus | None, request: StartRequest) -> Answer:
    """Answer a start that *record* stands in the way of: with its run id where the request says so, else an error."""
    options = request.already_started
    if options is not None and options.ignore_already_started_error:
        first = record.started.request.already_started
        if options.request_id is None or (first is not None and first.request_id == options.request_id):
            return Accepted(record.run_id)
    detail = None
    if status is not None:
        detail = (
            f"workflow {request.workflow_id!r} has run already (run {record.run_id}, {status.value}); "
            f"workflow_id_reuse_policy {request.id_reuse_policy.value} does not let it start again"
        )
    return Refused(WorkflowAlreadyStartedError(detail, workflow_id=request.workflow_id, run_id=record.run_id))


def request_problem(request: StartRequest, at: datetime) -> HttpError | None:
    """Say what is wrong with a start, whatever runs there are; None when nothing is."""
    try:
        check_name("namespace", request.namespace)
        check_name("workflow id", request.workflow_id)
        check_name("workflow type", request.workflow_type)
        if request.start is not None:
            check_name("state id", request.start.state_id)
        for key, _ in request.attributes:
            check_name("attribute key", key)
        for attribute in request.search_attributes:
            check_name("search attribute key", attribute.key)
    except InvalidArgumentError as error:
        return ClientSideError(str(error))
    if request.start is not None and request.start.state_id in SYSTEM_STATE_IDS:
        return ClientSideError(f"a workflow cannot start with {request.start.state_id}, which ends one")
    for what, span in (("timeout", request.timeout), ("start delay", request.start_delay)):
        if span is not None and not timedelta(0) <= span <= MAX_DURATION:
            return ClientSideError(f"{what} of a workflow must be between 0 and {MAX_DURATION.days} days, got {span}")
    problem = first_search_problem(request.search_attributes, at)
    if problem is not None:
        return ClientSideError(problem)
    if len(request.attributes) + len(request.search_attributes) > MAX_ATTRIBUTES:
        return TooManyRequestsError(f"a workflow has at most {MAX_ATTRIBUTES} attributes")
    if sum(value.size for _, value in request.attributes) > MAX_ATTRIBUTES_SIZE:
        return TooManyRequestsError(f"the attributes of a workflow take at most {MAX_ATTRIBUTES_SIZE} characters")
    return None
