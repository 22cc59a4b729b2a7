"""For us and for users: a clock moved by hand, an engine in memory, results for unit tests, the contract suite.

pytest is needed by `pytest_plugin` and `contract` only, which nothing here imports.
"""

from iwf_py.testing.clock import ManualAlarm, ManualClock
from iwf_py.testing.host import TestEngine
from iwf_py.testing.results import (
    command_results,
    internal_emptied,
    internal_not_emptied,
    internal_received,
    internal_waiting,
    signal_emptied,
    signal_not_emptied,
    signal_received,
    signal_waiting,
    timer_fired,
    timer_scheduled,
)

__all__ = [
    "ManualAlarm",
    "ManualClock",
    "TestEngine",
    "command_results",
    "internal_emptied",
    "internal_not_emptied",
    "internal_received",
    "internal_waiting",
    "signal_emptied",
    "signal_not_emptied",
    "signal_received",
    "signal_waiting",
    "timer_fired",
    "timer_scheduled",
]
