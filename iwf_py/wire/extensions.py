"""What of a worker's answer only an engine of this package understands.

Others leave such fields out without a word, so that a state would go on with less than it waits for; a worker that is
called without the mark (`marks`) fails the attempt instead, and says why.
"""

from __future__ import annotations

from collections.abc import Iterator

from iwf_py.model.invocations import ExecuteResult, Failed, Outcome, RpcResult, WaitUntilResult, Writes
from iwf_py.model.status import WorkflowConditionalCloseType


def beyond_protocol(outcome: Outcome) -> str | None:
    """Name the first thing in an outcome that other servers do not understand; None where there is none."""
    return next(_beyond(outcome), None)


def _beyond(outcome: Outcome) -> Iterator[str]:
    match outcome:
        case WaitUntilResult():
            for until in outcome.commands.until_empty:
                yield f"waiting until channel {until.channel_name!r} is empty"
            for channel in outcome.commands.channels:
                if channel.is_bounded:
                    yield f"taking several messages of channel {channel.channel_name!r} by one command"
            yield from _beyond_writes(outcome.writes)
        case ExecuteResult():
            closing = outcome.decision.conditional_close
            if closing and closing.close_type is WorkflowConditionalCloseType.GRACEFUL_COMPLETE_ON_ALL_CHANNELS_EMPTY:
                yield "completing once all channels are empty"
            yield from _beyond_writes(outcome.writes)
        case RpcResult():
            yield from _beyond_writes(outcome.writes)
        case Failed():
            return


def _beyond_writes(writes: Writes) -> Iterator[str]:
    for attribute in writes.search_attributes:
        if attribute.is_empty:
            yield f"deleting search attribute {attribute.key!r}"
