"""Calls of user code: what a worker is handed, and what it hands back, in sealed form."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from attrs import field, frozen

from iwf_py.model.commands import CommandRequest
from iwf_py.model.decisions import Decision, Movement
from iwf_py.model.payload import Payload, SearchAttribute
from iwf_py.model.status import ChannelFamily, ChannelRequestStatus, Phase, TimerStatus


@frozen(kw_only=True)
class Failure:
    """
    Why an attempt failed.

    Attributes:
        error_type: The exception's class name, or a name of ours (``AttemptTimeout``, ``InvalidOutcome``). Empty where *message* is
            the whole sentence, made elsewhere, such as for a call over HTTP: it is then told as it stands.

        message: One line or a few.

        detail: The stack trace, where there is one.

        attempts: How many were made, this one included; filled in by the judge.

        state_id: The state whose call it was.

        state_execution_id: Its execution.

        is_retryable: False when no further attempt may be made, whatever the policy says.

        retry_after: The delay that user code asked for instead of the policy's.

        is_invalid_code: The answer can never be carried out: the run fails at once, as one whose code is invalid, whatever the
            policies say.

        worker_status: Of a call over HTTP: the status of the worker's answer; 0 where there was none.

        worker_error_type: Of a call over HTTP: the type's name that the worker told; *detail* is then what it told beside it.
    """

    error_type: str
    message: str
    detail: str = ""
    attempts: int = 0
    state_id: str | None = None
    state_execution_id: str | None = None
    is_retryable: bool = True
    retry_after: timedelta | None = None
    is_invalid_code: bool = False
    worker_status: int = 0
    worker_error_type: str = ""

    @property
    def for_log(self) -> str:
        """What a log may hold of it: no word of what a worker answered over HTTP, which repeats users' values."""
        if self.worker_status:
            told = f" and told of {self.worker_error_type[:100]!r}" if self.worker_error_type else ""
            return f"its worker answered with status {self.worker_status}{told}; describing the run tells all of it"
        return f"{self.error_type}: {self.message}" if self.error_type else self.message


@frozen(kw_only=True)
class SealedTimerResult:
    """What became of a timer command."""

    command_id: str | None
    status: TimerStatus


@frozen(kw_only=True)
class SealedChannelResult:
    """
    What became of a channel command.

    Attributes:
        values: What it took, oldest first; None is a message without a value.

        is_bounded: The command named how many messages it wants, so that it may have taken several.
    """

    family: ChannelFamily
    channel_name: str
    command_id: str | None
    status: ChannelRequestStatus
    values: tuple[Payload | None, ...] = ()
    is_bounded: bool = False


@frozen(kw_only=True)
class SealedEmptyResult:
    """Whether a channel was empty while a command waited for that."""

    family: ChannelFamily
    channel_name: str
    command_id: str | None
    is_complete: bool


@frozen(kw_only=True)
class SealedCommandResults:
    """
    What became of a state's commands, each kind in the order of the request.

    Attributes:
        wait_until_succeeded: False when wait_until failed and the policy let the state proceed.
    """

    wait_until_succeeded: bool = True
    timers: tuple[SealedTimerResult, ...] = ()
    signals: tuple[SealedChannelResult, ...] = ()
    internals: tuple[SealedChannelResult, ...] = ()
    until_empty: tuple[SealedEmptyResult, ...] = ()


class InvocationKind(StrEnum):
    """Which method of user code is called."""

    WAIT_UNTIL = "WAIT_UNTIL"
    EXECUTE = "EXECUTE"
    RPC = "RPC"


@frozen(kw_only=True)
class Invocation:
    """
    One call of user code.

    Attributes:
        run_id: The first run of the chain: it stays the same through retries of the workflow.

        started_at: When the current run was created.

        method_name: The RPC's name; the state id for states.

        state_execution_id: None for an RPC.

        attempt: From 1; failures so far plus one.

        first_attempt_at: When the first attempt of this call began.

        attributes: Data attributes as the loading policy gives them; opened one by one when asked for.

        search_attributes: The same for search attributes.

        loads_attributes: False where the loading policy is to load none at all.

        loads_search_attributes: The same for search attributes.

        locals: State execution locals as wait_until answered them; the last of a key counts. Empty for wait_until and RPCs.

        results: None when wait_until was skipped, and for wait_until and RPCs.

        failure: The failure that brought execution to this state, where there was one.

        channel_sizes: Messages not taken yet, of channels that have any.

        timeout: Of this attempt.

        is_last_moment: The timeout is what the policy's total duration leaves, and not the attempt's own.

        worker_url: Where the call goes, where it goes over HTTP: as the start request said.
    """

    kind: InvocationKind
    namespace: str
    workflow_type: str
    workflow_id: str
    run_id: str
    started_at: datetime
    method_name: str
    input: Payload | None = None
    state_execution_id: str | None = None
    attempt: int = 1
    first_attempt_at: datetime | None = None
    attributes: Mapping[str, Payload] = field(factory=dict)
    search_attributes: Mapping[str, SearchAttribute] = field(factory=dict)
    loads_attributes: bool = True
    loads_search_attributes: bool = True
    locals: tuple[tuple[str, Payload | None], ...] = ()
    results: SealedCommandResults | None = None
    failure: Failure | None = None
    channel_sizes: Mapping[tuple[ChannelFamily, str], int] = field(factory=dict)
    timeout: timedelta
    is_last_moment: bool = False
    worker_url: str | None = None


class Fence(NamedTuple):
    """
    Which attempt of which call an outcome belongs to; one that is not current never changes anything.

    A tuple, since hosts and workers look it up all the time.

    Attributes:
        run_id: The run (not the chain's first).

        number: The state execution's run-wide number; the RPC's number where phase is RPC.

        phase: WAIT_UNTIL, EXECUTE or RPC.

        epoch: Of the engine that owns the task.

        attempt: Failures so far plus one.
    """

    run_id: str
    number: int
    phase: Phase
    epoch: int
    attempt: int


@frozen
class Task:
    """An invocation that waits for a worker."""

    fence: Fence
    invocation: Invocation


@frozen(kw_only=True)
class Publication:
    """A message for an internal channel."""

    channel_name: str
    value: Payload | None = None


@frozen(kw_only=True)
class Writes:
    """
    What user code wrote; applied all together, or not at all.

    Attributes:
        attributes: Key and value, in order; None deletes.

        search_attributes: In order; an empty one deletes.

        messages: Appended in order, after the attributes are written.

        recorded_events: Key and data, for the history only.
    """

    attributes: tuple[tuple[str, Payload | None], ...] = ()
    search_attributes: tuple[SearchAttribute, ...] = ()
    messages: tuple[Publication, ...] = ()
    recorded_events: tuple[tuple[str, Payload | None], ...] = ()

    @property
    def is_empty(self) -> bool:
        """Was nothing written?"""
        return not (self.attributes or self.search_attributes or self.messages or self.recorded_events)


NO_WRITES = Writes()


@frozen(kw_only=True)
class WaitUntilResult:
    """What wait_until answered."""

    commands: CommandRequest
    locals: tuple[tuple[str, Payload | None], ...] = ()
    writes: Writes = NO_WRITES


@frozen(kw_only=True)
class ExecuteResult:
    """What execute answered."""

    decision: Decision
    writes: Writes = NO_WRITES


@frozen(kw_only=True)
class RpcResult:
    """What an RPC answered, and the states that it opens."""

    output: Payload | None = None
    next_states: tuple[Movement, ...] = ()
    writes: Writes = NO_WRITES

    @property
    def is_read_only(self) -> bool:
        """Is there nothing to apply?"""
        return self.writes.is_empty and not self.next_states


@frozen
class Failed:
    """The attempt failed."""

    failure: Failure


Outcome = WaitUntilResult | ExecuteResult | RpcResult | Failed


@frozen
class Serves:
    """
    What a worker has code for.

    Attributes:
        states: Workflow type to its state ids, where RPCs need the type only; None for whatever there is: calls then go
            where each run's worker URL says.

        most_each: How many calls that go to the same host and port the worker will have in hand at once, so that one that
            hangs leaves room for the others; None for any number.
    """

    states: Mapping[str, frozenset[str]] | None
    most_each: int | None = None

    def has(self, workflow_type: str, state_id: str | None) -> bool:
        """Is there code for a state of this type, or with None for the type itself?"""
        if self.states is None:
            return True
        ids = self.states.get(workflow_type)
        return ids is not None and (state_id is None or state_id in ids)


EVERYTHING = Serves(None)
