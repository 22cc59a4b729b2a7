"""Attribute locks: taken together, first come first served, held for the whole call."""

from __future__ import annotations

from attrs import evolve

from iwf_py.model.commands import CommandRequest
from iwf_py.model.options import CallOptions, PersistenceLoadingPolicy, StateOptions
from iwf_py.model.status import PersistenceLoadingType
from tests.core.machine import Machine, locking, locks, to, writes


def test_a_lock_has_one_holder():
    """
    The second state that wants the key queues, and is called when the first one has left.
    """
    machine = Machine(to("Start"))
    machine.decides("Start-1", to("A", locks("k")), to("B", locks("k")))
    assert machine.open == {"A-1": "EXECUTE*", "B-1": "EXECUTE"}

    machine.ends("A-1")

    assert machine.calls == ["B-1 EXECUTE"]


def test_the_next_holder_sees_what_the_last_one_wrote():
    """
    Writing and unlocking are one turn.
    """
    machine = Machine(to("Start"))
    machine.decides("Start-1", to("A", locks("k")), to("B", locks("k")))

    machine.decides("A-1", "C", writes=writes(k="1"))

    assert machine.calls == ["B-1 EXECUTE", "C-1 EXECUTE"]
    assert "k" in machine.run.attributes


def test_keys_are_taken_together():
    """
    A state that wants two keys has neither while one of them is held by another.
    """
    machine = Machine(to("Start"))
    machine.decides("Start-1", to("A", locks("k")), to("B", locks("k", "l")))

    assert machine.open == {"A-1": "EXECUTE*", "B-1": "EXECUTE"}


def test_nobody_overtakes_on_a_shared_key():
    """
    Who wants l alone comes after the older one that waits for k and l, though l is free.
    """
    machine = Machine(to("Start"))
    machine.decides("Start-1", to("A", locks("k")), to("B", locks("k", "l")), to("C", locks("l")))
    assert machine.open == {"A-1": "EXECUTE*", "B-1": "EXECUTE", "C-1": "EXECUTE"}

    machine.ends("A-1")
    assert machine.calls == ["B-1 EXECUTE"]
    machine.ends("B-1")

    assert machine.calls == ["C-1 EXECUTE"]


def test_one_freed_holder_may_let_several_in():
    """
    A holder of two keys makes way for both that wait, in the order in which they came.
    """
    machine = Machine(to("Start"))
    machine.decides("Start-1", to("A", locks("k", "l")), to("B", locks("l")), to("C", locks("k")))

    machine.ends("A-1")

    assert machine.calls == ["B-1 EXECUTE", "C-1 EXECUTE"]


def test_data_and_search_keys_are_two_spaces():
    """
    The same name in both is two locks.
    """
    machine = Machine(to("Start"))

    machine.decides("Start-1", to("A", locks("k")), to("B", locks(search=("k",))))

    assert machine.calls == ["A-1 EXECUTE", "B-1 EXECUTE"]


def test_data_and_search_keys_are_taken_together():
    """
    Both spaces are one request: nobody holds the one while it waits for the other.
    """
    machine = Machine(to("Start"))
    machine.decides("Start-1", to("A", locks("k", search=("s",))), to("B", locks(search=("s",))), to("C", locks("k")))
    assert machine.open == {"A-1": "EXECUTE*", "B-1": "EXECUTE", "C-1": "EXECUTE"}

    machine.ends("A-1")

    assert machine.calls == ["B-1 EXECUTE", "C-1 EXECUTE"]


def test_between_its_calls_a_state_holds_nothing():
    """
    The locks of wait_until are free while the state waits; execute queues for its own.
    """
    both = CallOptions(attributes=locking("k"))
    options = StateOptions(wait_until=both, execute=both)
    machine = Machine(to("Start"))
    machine.decides("Start-1", to("A", options), to("B", options))
    assert machine.open == {"A-1": "WAIT_UNTIL*", "B-1": "WAIT_UNTIL"}

    machine.waits("A-1", CommandRequest.empty())

    # A was satisfied at once, but B has waited for longer.
    assert machine.calls == ["B-1 WAIT_UNTIL"]
    assert machine.open == {"A-1": "EXECUTE", "B-1": "WAIT_UNTIL*"}


def test_who_opens_the_next_holder_gets_no_precedence_for_it():
    """
    A state that moves to another with the same key puts it behind those who queue.
    """
    machine = Machine(to("Start"))
    machine.decides("Start-1", to("A", locks("k")), to("B", locks("k")))

    machine.decides("A-1", to("A", locks("k")))

    assert machine.open == {"B-1": "EXECUTE*", "A-2": "EXECUTE"}


def test_a_failed_call_frees_its_locks():
    """
    When the attempts are exhausted the call is over, and the failure state comes after those who queue.
    """
    options = evolve(locks("k"), failure_state_id="R", failure_state_options=locks("k"))
    machine = Machine(to("Start"))
    machine.decides("Start-1", to("A", options), to("B", locks("k")))

    machine.exhausts("A-1")

    assert machine.open == {"B-1": "EXECUTE*", "R-1": "EXECUTE"}


def test_a_key_named_twice_is_one_lock():
    """
    Nobody waits for itself.
    """
    machine = Machine(to("A", locks("k", "k")))

    assert machine.calls == ["A-1 EXECUTE"]


def test_keys_without_a_locking_type_lock_nothing():
    """
    locking_keys count for the two types that lock.
    """
    policy = PersistenceLoadingPolicy(PersistenceLoadingType.LOAD_ALL_WITHOUT_LOCKING, locking_keys=("k",))
    options = StateOptions(skip_wait_until=True, execute=CallOptions(attributes=policy))
    machine = Machine(to("Start"))

    machine.decides("Start-1", to("A", options), to("B", options))

    assert machine.calls == ["A-1 EXECUTE", "B-1 EXECUTE"]


def test_writes_from_outside_do_not_ask_for_locks():
    """
    A client's write and a non-locking RPC's write pass a lock by.
    """
    machine = Machine(to("A", locks("k")))

    machine.set(k="1")
    assert machine.is_accepted
    machine.answer(None, writes=writes(k="2"))

    assert machine.is_accepted


def test_a_state_goes_in_only_when_all_its_keys_are_its_turn():
    """
    One of two holders has left; the state that waits for both still waits for the other.
    """
    machine = Machine(to("Start"))
    machine.decides("Start-1", to("A", locks("k")), to("B", locks("l")), to("C", locks("k", "l")))

    machine.ends("A-1")
    assert machine.open == {"B-1": "EXECUTE*", "C-1": "EXECUTE"}
    machine.ends("B-1")

    assert machine.calls == ["C-1 EXECUTE"]
