"""What a host must do after the commit, in order."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from iwf_py.errors import IwfError
from iwf_py.model.payload import Payload
from iwf_py.model.status import Phase


@frozen
class Invoke:
    """Call a state's method; the host builds the invocation (`views.invocation`) from the turn's own record."""

    number: int
    phase: Phase


@frozen
class InvokeRpc:
    """Call the open locking RPC with this number (`views.rpc_invocation`)."""

    number: int


@frozen
class SetTimer:
    """Something of this run is due then: a timer command, the deadline, or the end of the start delay."""

    due: datetime


@frozen
class Reply:
    """Answer the caller of the locking RPC with this number."""

    number: int
    output: Payload | None


@frozen
class Refuse:
    """Refuse the caller of the locking RPC with this number."""

    number: int
    error: IwfError


@frozen
class Closed:
    """The run is over: tell its waiters, or move them to the successor's outcome."""


Effect = Invoke | InvokeRpc | SetTimer | Reply | Refuse | Closed


@frozen
class Accepted:
    """The event was good. *value* is the run id for a start, the RPC's number for a locking RPC, else None."""

    value: str | int | None = None


@frozen
class Refused:
    """The event was not: tell whoever brought it. Nothing has changed."""

    error: IwfError


@frozen
class Busy:
    """Another RPC holds a key: ask again (the same event) when an RPC of this run has closed."""


@frozen
class Dropped:
    """An inner event came too late (its state has left, its timer is over, its run is closed): nothing to do."""


Answer = Accepted | Refused | Busy | Dropped
