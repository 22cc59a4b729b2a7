"""A commit costs what it touches, counted in the steps of SQLite's machine."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from iwf_py.core.events import AttributesSet, Event, ExecuteReturned, Signalled, TimerSkipped, WaitUntilReturned
from iwf_py.model.commands import CommandRequest, SignalChannelCommand, TimerCommand
from iwf_py.store.database import SqlStore
from tests.store.faults import FaultyDriver
from tests.store.host import NOON, Host, decides, sealed, to, waits

FEW, MANY = 20, 2000


def steps_of_commit(driver: FaultyDriver, host: Host) -> int:
    count = 0

    def step() -> int:
        nonlocal count
        count += 1
        return 0

    driver.raw.set_progress_handler(step, 1)
    host.commit()
    driver.raw.set_progress_handler(None, 1)
    return count


def with_messages(host: Host, count: int) -> None:
    for _ in range(count):
        host.send_now(Signalled, channel_name="unread", value=sealed("text"))


def with_attributes(host: Host, count: int) -> None:
    host.send_now(AttributesSet, attributes=tuple((f"key-{number}", sealed("text")) for number in range(count)))


def with_states(host: Host, count: int) -> None:
    wait = CommandRequest.for_all_command_completed(TimerCommand.by_seconds(1000), SignalChannelCommand("never"))
    host.send_now(ExecuteReturned, number=1, result=decides(to("A"), *(to("B", None) for _ in range(count))))
    for number in range(3, count + 3):
        host.send_now(WaitUntilReturned, number=number, result=waits(wait))


def with_history(host: Host, count: int) -> None:
    for number in range(count):
        host.send_now(AttributesSet, attributes=(("key", sealed(str(number))),))


def with_kept_skips(host: Host, count: int) -> None:
    for number in range(min(count, 900)):
        host.send_now(TimerSkipped, state_execution_id=f"Z-{number + 1}", index=0, is_reapplied=True)


def with_states_that_wait_for_an_empty_channel(host: Host, count: int) -> None:
    wait = CommandRequest.for_all_command_completed(SignalChannelCommand.until_empty("full"))
    host.send_now(Signalled, channel_name="full", value=sealed("text"))
    host.send_now(ExecuteReturned, number=1, result=decides(to("A"), *(to("B", None) for _ in range(min(count, 900)))))
    for number in range(3, min(count, 900) + 3):
        host.send_now(WaitUntilReturned, number=number, result=waits(wait))


def with_other_runs(host: Host, count: int) -> None:
    for number in range(count):
        host.start(f"other-{number}", to("A"), timeout=timedelta(days=1))


@pytest.mark.parametrize(
    "grow",
    [
        with_messages,
        with_attributes,
        with_states,
        with_history,
        with_kept_skips,
        with_states_that_wait_for_an_empty_channel,
        with_other_runs,
    ],
    ids=lambda grow: grow.__name__,
)
def test_a_commit_costs_what_it_touches(path: Path, grow: Callable[[Host, int], None]):
    """
    The same turns cost the same in a small run and in one a hundred times larger.
    """
    costs = []
    for count in (FEW, MANY):
        driver = FaultyDriver(path.with_name(f"{count}.db"))
        store = SqlStore("", driver=driver)
        store.open(NOON)
        host = Host(store)
        host.start("w", to("A"))
        grow(host, count)
        host.commit()
        number = min(host.latest().record.states)
        wait = CommandRequest.for_any_command_completed(TimerCommand.by_seconds(5), SignalChannelCommand("news"))
        turns: list[tuple[type[Event], dict[str, object]]] = [
            (ExecuteReturned, {"number": number, "result": decides(to("Wait", None))}),
            (WaitUntilReturned, {"number": max(host.latest().record.states) + 1, "result": waits(wait)}),
            (Signalled, {"channel_name": "news", "value": sealed("go")}),
        ]
        spent = []
        for kind, fields in turns:
            host.send_now(kind, **fields)
            spent.append(steps_of_commit(driver, host))
        last = max(host.latest().record.states)
        host.send_now(ExecuteReturned, number=last, result=decides(to("Wait", None)))
        spent.append(steps_of_commit(driver, host))
        costs.append(spent)
        store.close()

    few, many = costs
    assert min(few) > 0
    assert many == few
