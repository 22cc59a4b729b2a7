"""How often a key may be used."""

import pytest

from iwf_py.errors import InvalidArgumentError
from iwf_py.server.gate import CALLER
from iwf_py.server.keys import Keys
from iwf_py.server.rates import Rates
from tests.server.test_gate import KEYS, bearing

KEY, STORED = next(iter(KEYS.values()))


class Clock:
    def __init__(self):
        self.seconds = 0.0

    def __call__(self):
        return self.seconds


@pytest.fixture
def clock():
    return Clock()


def taken(rates, name, most=1000):
    return next(count for count in range(most) if rates.take(name))


def test_a_bucket_has_two_seconds_worth_and_fills_again(clock):
    """
    After a pause twice the rate at once, then as many as come to it; never more than its brim.
    """
    rates = Rates(10, clock)

    assert taken(rates, "a") == 20
    assert rates.take("a") == pytest.approx(0.1)
    clock.seconds += 0.5
    assert taken(rates, "a") == 5
    clock.seconds += 1_000
    assert taken(rates, "a") == 20


def test_each_has_a_bucket_of_its_own(clock):
    """
    Whoever calls too often takes nothing from others.
    """
    rates = Rates(1, clock)

    assert taken(rates, "a") == taken(rates, "b") == 2


def test_a_refused_call_costs_nothing(clock):
    """
    Asking on and on does not put the next call off.
    """
    rates = Rates(1, clock)
    taken(rates, "a")
    for _ in range(50):
        clock.seconds += 0.01
        assert rates.take("a") > 0
    clock.seconds += 0.51

    assert rates.take("a") == 0


def test_it_can_be_switched_off_and_must_be_a_number(clock):
    """
    0 is any number; what is no rate is refused.
    """
    assert not any(Rates(0, clock).take("a") for _ in range(10_000))
    for wrong in (-1.0, float("nan"), float("inf")):
        with pytest.raises(InvalidArgumentError, match="calls per second"):
            Rates(wrong)


def test_a_key_that_is_used_too_often_is_told_when_to_come_again(make_host, clock):
    """
    With 429 before anything is looked at; another key's calls go on, and so does the health check.
    """
    host = make_host(access=Keys([key for _, key in KEYS.values()]), rates=Rates(0.25, clock))
    other = list(KEYS.values())[1][0]
    ask = ("POST", "/api/v1/workflow/get", {"workflowId": "none"})

    assert host.send(*ask, bearing(KEY)).status == 400
    told = host.send(*ask, bearing(KEY))
    assert (told.status, told.headers["Retry-After"]) == (429, "4")
    assert told.body["detail"] == f"key {STORED.id} is used too often; nothing was done, try again later"
    assert told.body["subStatus"] == "UNCATEGORIZED_SUB_STATUS"
    assert host.send(*ask, bearing(other)).status == 400
    assert host.send("GET", "/info/healthcheck", None, bearing(KEY)).status == 200
    clock.seconds += 4
    assert host.send(*ask, bearing(KEY)).status == 400


def test_nobody_names_his_own_bucket(make_host, clock):
    """
    What a request says of itself is not whose key it shows.
    """
    host = make_host(access=Keys([STORED]), rates=Rates(0.25, clock))
    ask = ("POST", "/api/v1/workflow/get", {"workflowId": "none"})

    assert host.send(*ask, {**bearing(KEY), CALLER: "somebody"}).status == 400
    assert host.send(*ask, {**bearing(KEY), CALLER: "else"}).status == 429
