"""Token buckets: what a key may call at once, and for as long as it likes."""

import pytest

from iwf_py.errors import InvalidArgumentError
from iwf_py.server.rates import Rates
from iwf_py.serving import ServerOptions


class Time:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def taken(rates, key_id, calls):
    return sum(rates.take(key_id) == 0 for _ in range(calls))


def test_a_key_has_its_burst_and_then_its_rate():
    """
    A second later as many as the rate says, and after a long rest the burst again, no more.
    """
    time = Time()
    rates = Rates(100, 200, monotonic=time)

    assert taken(rates, "a", 1_000) == 200
    time.now += 1
    assert taken(rates, "a", 1_000) == 100
    time.now += 3_600
    assert taken(rates, "a", 1_000) == 200


def test_the_time_to_wait_is_true():
    """
    Whoever waits for so long is served, and who asks meanwhile does not have to wait for longer.
    """
    time = Time()
    rates = Rates(0.5, 1, monotonic=time)
    rates.take("a")
    time.now += 0.5
    waits = [rates.take("a") for _ in range(3)]
    time.now += waits[-1]

    assert waits == [1.5] * 3
    assert rates.take("a") == 0


def test_keys_do_not_pay_for_each_other():
    """
    Each has a bucket of its own.
    """
    rates = Rates(1, 5, monotonic=Time())

    assert [taken(rates, key_id, 10) for key_id in ("a", "b", "a")] == [5, 5, 0]


def test_the_bound_can_be_set_and_switched_off():
    """
    A number that would let nobody call is refused.
    """
    assert ServerOptions().rates().per_second == 100
    assert taken(ServerOptions(calls_per_second=0.001, burst=7).rates(), "a", 10) == 7
    assert ServerOptions(calls_per_second=0).rates() is None
    for wrong in ({"calls_per_second": -1}, {"calls_per_second": float("nan")}, {"burst": 0}):
        with pytest.raises(InvalidArgumentError):
            ServerOptions(**wrong).rates()
