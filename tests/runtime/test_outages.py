"""Callers are answered while the store fails for long, while the engine ends, and in the moments between two steps."""

from __future__ import annotations

import threading

import pytest

from iwf_py.errors import (
    CommitUnknownError,
    EngineStoppedError,
    EngineUnreadyError,
    StoreError,
    StoreInUseError,
    StoreUnusableError,
)
from iwf_py.model.requests import SignalRequest, StartRequest
from iwf_py.runtime.limits import Limits
from iwf_py.store.database import SqlStore

OUTAGES = [CommitUnknownError("no answer"), StoreUnusableError("full"), StoreInUseError("locked")]


class FailingStore(SqlStore):
    """The real store, whose commits fail as long as *failing* says with what."""

    def __init__(self):
        super().__init__("sqlite://")
        self.failing = None
        self.tried = 0
        self.before_commit = None

    def commit(self, batch):
        self.tried += 1
        if self.before_commit is not None:
            step, self.before_commit = self.before_commit, None
            step()
        if self.failing is not None:
            raise self.failing
        return super().commit(batch)


class TellingLock:
    """A lock that tells, once, of the moment right after it was given back."""

    def __init__(self):
        self._lock = threading.Lock()
        self.released = None

    def __enter__(self):
        self._lock.acquire()

    def __exit__(self, *_):
        self._lock.release()
        if self.released is not None:
            self.released()


@pytest.fixture
def store():
    return FailingStore()


@pytest.fixture
def troubled(make_scene, store):
    scene = make_scene(store)
    yield scene
    store.failing = None


def start(scene, kit, workflow_id):
    return scene.service.start(
        StartRequest(workflow_id=workflow_id, workflow_type="Flow", start=kit.movement("A", waits=True))
    )


def signal(scene, kit, workflow_id):
    return scene.service.signal(SignalRequest(workflow_id=workflow_id, channel_name="outer", value=kit.payload("x")))


def test_nobody_combines_beside_another(scene, kit):
    """
    A post that comes in the moment in which the combining thread finds nothing more to do is combined once.
    """
    turns = scene.engine._turns
    lock = turns._lock = TellingLock()
    futures = [start(scene, kit, "first")]

    def released():
        if not turns._is_scheduled:
            lock.released = None
            futures.append(start(scene, kit, "second"))

    lock.released = released
    scene.steps.steps.popleft()()

    assert len(futures) == 2
    assert len(scene.steps.steps) == 1


@pytest.mark.parametrize("error", OUTAGES)
def test_clients_are_refused_while_nothing_can_be_written(troubled, kit, store, error):
    """
    A disk that is full says so at COMMIT: everybody who waits is told, after a few tries and not one by one, and nothing stands.
    """
    store.failing = error
    futures = [start(troubled, kit, f"w{number}") for number in range(100)]
    tried = store.tried

    troubled.run()

    assert {type(future.exception(0)) for future in futures} == {EngineUnreadyError}
    assert store.tried - tried < 5
    assert not troubled.engine.is_ready

    store.failing = None
    troubled.clock.advance(1)
    troubled.run()

    assert troubled.get(start(troubled, kit, "w0"))
    assert troubled.engine.is_ready


@pytest.mark.parametrize("error", OUTAGES)
def test_an_outage_parks_nobody(make_scene, kit, store, error):
    """
    However long a disk is full, or another program keeps the database locked: the runs whose events wait go on afterwards.
    """
    scene = make_scene(store, Limits(tries=3))
    scene.start()
    store.failing = error
    scene.work()
    for _ in range(20):
        scene.clock.advance(5)
        scene.run()
    store.failing = None
    scene.clock.advance(5)
    scene.run()

    assert scene.describe().parked is None
    assert scene.describe().status == "COMPLETED"


def test_clients_behind_what_cannot_be_written_are_told(troubled, kit, store):
    """
    An outcome is tried again and again; who asks for something of the same workflow meanwhile does not wait for ever.
    """
    troubled.start()
    store.failing = StoreError("not this one")
    troubled.work()
    future = signal(troubled, kit, "w")
    for _ in range(4):
        troubled.clock.advance(5)
        troubled.run()

    assert isinstance(future.exception(0), EngineUnreadyError)


@pytest.mark.parametrize("error", [CommitUnknownError("no answer"), StoreUnusableError("full"), StoreError("no")])
def test_who_is_being_written_as_the_engine_ends_is_answered(make_scene, kit, store, error):
    """
    The patience of stopping ends within a commit, which then fails: its callers are told, and those who came after.
    """
    scene = make_scene(store)
    futures = [start(scene, kit, "w1")]

    def end():
        futures.append(start(scene, kit, "w2"))
        scene.engine.begin_stop()
        scene.engine._end()
        futures.append(start(scene, kit, "w3"))

    store.failing = error
    store.before_commit = end
    scene.run()

    assert [type(future.exception(0)) for future in futures] == [EngineStoppedError] * 3
