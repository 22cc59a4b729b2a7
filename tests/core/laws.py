"""Laws of changes, told without any index: they are replayed one by one, and each is looked at by brute force."""

from __future__ import annotations

from collections.abc import Sequence

from iwf_py.core.attributes import LockKey
from iwf_py.core.changes import (
    Change,
    ChannelsEmptied,
    ExecutionOpened,
    MessageTaken,
    RpcOpened,
    SkipKept,
    StateInvoked,
    StateLeft,
    StateOpened,
)
from iwf_py.core.draft import Draft
from iwf_py.core.record import Record, opened_record, rpc_lock_keys
from iwf_py.model.status import Phase


def check_changes(before: Record | None, changes: Sequence[Change]) -> None:
    """Replay the changes of one turn, or of several; assert what each one must keep."""
    if before is None:
        assert isinstance(changes[0], ExecutionOpened), "a run begins with its opening"
        before, changes = opened_record(changes[0]), changes[1:]
    draft = Draft(before)
    for change in changes:
        match change:
            case MessageTaken():
                _taken_by_the_oldest(draft, change)
            case ChannelsEmptied():
                _nobody_else_has_anything(draft, change)
            case SkipKept():
                assert not any(
                    state.execution_id == change.state_execution_id
                    and state.phase not in (Phase.DELAYED, Phase.WAIT_UNTIL)
                    for state in draft.states.values()
                ), "a skip is kept for what does not wait yet"
            case StateInvoked():
                _holds_alone_and_in_turn(draft, change)
            case RpcOpened():
                keys = set(rpc_lock_keys(change.request))
                assert not any(keys & held for held in _held(draft)), "an RPC takes only free keys"
            case StateOpened():
                assert change.number == draft.opened + 1, "numbers have no gaps"
                assert change.ordinal == draft.ordinals.get(change.state_id, 0) + 1, "nor have execution ids"
            case StateLeft():
                assert draft.states[change.number].is_invoked, "only execute ends a state"
        assert draft.closed is None or type(change).__name__ == "Succeeded", "nothing happens after the close"
        draft.apply(change)


def _taken_by_the_oldest(draft: Draft, change: MessageTaken) -> None:
    key = change.family, change.channel_name
    messages = list(draft.channels[key].messages)
    assert messages[0].number == min(message.number for message in messages) == change.number, "oldest message first"
    waiting = draft.states[change.state].waiting
    assert waiting is not None
    taken = len(waiting.taken[change.command])
    command = waiting.channels[change.command]
    assert taken < command.most, "no command takes more than it wants"
    if taken:
        return
    wanting = [
        (number, index)
        for number in sorted(draft.states)
        for index, other in enumerate(_open_commands(draft, number))
        if other is not None and (other.family, other.channel_name) == key and other.at_least <= len(messages)
    ]
    assert wanting[0] == (change.state, change.command), "oldest state first, then the order of its commands"


def _nobody_else_has_anything(draft: Draft, change: ChannelsEmptied) -> None:
    waiting = draft.states[change.number].waiting
    assert waiting is not None
    known = {index for index, is_done in enumerate(waiting.emptied) if is_done}
    assert known < set(change.complete), "what was empty once stays complete"
    for index in set(change.complete) - known:
        command = waiting.commands.until_empty[index]
        key = command.family, command.channel_name
        assert key not in draft.channels or not list(draft.channels[key].messages), "it holds no message"
        for other in draft.states.values():
            if other.number != change.number and other.waiting is not None:
                for taker, hand in zip(other.waiting.channels, other.waiting.taken, strict=True):
                    assert (taker.family, taker.channel_name) != key or not len(hand), "nobody works on one of it"


def _open_commands(draft: Draft, number: int) -> list:
    state = draft.states[number]
    if state.phase is not Phase.WAITING:
        return []
    return [
        None if len(hand) else command
        for command, hand in zip(state.waiting.channels, state.waiting.taken, strict=True)
    ]


def _holds_alone_and_in_turn(draft: Draft, change: StateInvoked) -> None:
    keys = set(draft.states[change.number].lock_keys(change.phase))
    # A reset invokes anew those that hold theirs already.
    assert not any(keys & held for held in _held(draft, besides=change.number)), "a key has one holder"
    for state in draft.states.values():
        is_queued = state.ticket is not None and not state.is_invoked
        if is_queued and state.number != change.number and keys & set(state.lock_keys(state.phase)):
            assert state.ticket > change.ticket, "nobody overtakes on a shared key"


def _held(draft: Draft, besides: int = 0) -> list[set[LockKey]]:
    states = [state for state in draft.states.values() if state.is_invoked and state.number != besides]
    held = [set(state.lock_keys(state.phase)) for state in states]
    return held + [set(rpc_lock_keys(rpc.request)) for rpc in draft.rpcs.values()]
