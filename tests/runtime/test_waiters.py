"""Who waits for something of a run: told of what is new, once, and of nothing that is none of its business."""

from __future__ import annotations

from concurrent.futures import Future

import pytest
from attrs import evolve

from iwf_py.core.looks import Look, change, outcome
from iwf_py.errors import EngineStoppedError, ExecutionParkedError
from iwf_py.model.requests import AttributeWaitRequest, SetAttributesRequest, StateWaitRequest
from iwf_py.runtime.limits import Limits
from iwf_py.runtime.waiters import Waiter, Waiters


def waiter_of(look: Look, record, seq=0) -> Waiter:
    return Waiter(look, Future(), record.run_id, seq)


def record_of(scene, workflow_id="w"):
    return scene.service._reads.held(scene.at(workflow_id)).record


def set_attribute(scene, kit, value, workflow_id="w"):
    request = SetAttributesRequest(workflow_id=workflow_id, attributes=(("k", kit.payload(value)),))
    scene.get(scene.service.set_attributes(request))


def test_who_waits_is_not_told_of_what_was_before(scene, kit):
    """
    A turn may be told of after a later record was seen, where both are of one batch: what is older counts no more.
    """
    scene.start("w")
    set_attribute(scene, kit, "one")
    older = record_of(scene)
    set_attribute(scene, kit, "two")
    newer = record_of(scene)
    waiters = Waiters()
    request = AttributeWaitRequest(workflow_id="w", key="k", after=newer.seq)
    waiter = waiter_of(change(request, newer.run_id), newer, newer.seq)
    waiters.add(waiter)

    waiters.turned(older)

    assert not waiter.future.done()
    set_attribute(scene, kit, "three")
    waiters.turned(record_of(scene))
    assert waiter.future.result(0).value == kit.payload("three")


def test_who_waits_for_the_end_does_not_look_before(scene, kit):
    """
    However many wait for it, turns of an open run cost them nothing; who waits for something else does look.
    """
    scene.start("w")
    record = record_of(scene)
    looked = []

    def noticing(look):
        return evolve(look, find=lambda record: looked.append(look) or look.find(record))

    end = noticing(outcome(record.run_id))
    attribute = noticing(change(AttributeWaitRequest(workflow_id="w", key="k"), record.run_id))
    waiters = Waiters()
    for look in (end, attribute):
        waiters.add(waiter_of(look, record))

    waiters.turned(record)

    assert len(looked) == 1


def test_who_is_told_or_gone_is_forgotten(scene, kit):
    """
    Nothing is kept of a waiter that was answered, refused or cancelled, nor of its run.
    """
    scene.start("w")
    waits = [
        scene.service.wait_for_attribute(AttributeWaitRequest(workflow_id="w", key="k")),
        scene.service.wait_for_state(StateWaitRequest(workflow_id="w", state_id="B")),
        scene.service.wait_for_state(StateWaitRequest(workflow_id="w", state_id="C")),
        scene.service.wait(scene.at("w")),
    ]
    scene.run()
    waiting = scene.engine._waiters._waiting
    assert sum(map(len, waiting.values())) == 4

    set_attribute(scene, kit, "one")
    waits[1].cancel()
    assert sum(map(len, waiting.values())) == 2
    scene.work()

    assert all(wait.done() for wait in waits)
    assert waiting == {}


def test_a_run_that_is_not_in_memory_is_waited_for(make_scene, kit):
    """
    It is loaded to be looked at, and whatever happens to it is told.
    """
    scene = make_scene(limits=Limits(open_records=1, checks_invariants=True))
    for workflow_id in ("w", "x", "y"):
        scene.start(workflow_id, kit.movement("A", waits=True))
    assert scene.service._reads.held(scene.at("w")) is None

    wait = scene.service.wait_for_attribute(AttributeWaitRequest(workflow_id="w", key="k"))
    scene.run()
    set_attribute(scene, kit, "other", "x")
    assert not wait.done()
    set_attribute(scene, kit, "one")

    assert wait.result(0).value == kit.payload("one")


def test_a_run_that_is_held_apart_is_not_waited_for(scene, kit, monkeypatch):
    """
    Who waits is refused when it is parked, and so is who comes later; what is there already is told.
    """
    scene.start("w")
    set_attribute(scene, kit, "one")
    request = StateWaitRequest(workflow_id="w", state_id="A")
    early = scene.service.wait_for_state(request)
    scene.run()
    monkeypatch.setattr("iwf_py.core.succession.advance", lambda record, event: 1 / 0)
    scene.work()
    monkeypatch.undo()

    with pytest.raises(ExecutionParkedError):
        scene.get(early)
    with pytest.raises(ExecutionParkedError):
        scene.get(scene.service.wait_for_state(request))
    there = scene.service.wait_for_attribute(AttributeWaitRequest(workflow_id="w", key="k"))
    assert scene.get(there).value == kit.payload("one")


def test_the_end_of_the_engine_refuses_who_waits(make_scene):
    """
    Nobody is left waiting for an engine that has gone.
    """
    scene = make_scene()
    scene.start("w")
    waits = [
        scene.service.wait_for_attribute(AttributeWaitRequest(workflow_id="w", key="k")),
        scene.service.wait_for_state(StateWaitRequest(workflow_id="w", state_id="A")),
    ]
    scene.run()

    scene.close()

    for wait in (*waits, scene.service.wait_for_state(StateWaitRequest(workflow_id="w", state_id="A"))):
        with pytest.raises(EngineStoppedError):
            wait.result(0)
