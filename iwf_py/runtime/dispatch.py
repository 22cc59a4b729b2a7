"""Calls of user code on their way to workers.

A call born or retried in this process goes straight to a worker, with the invocation in hand: no row
is read to claim it. Whoever asks gets the oldest that it serves; what nobody serves stays, and so does what would be
too much for one worker's host at once.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Iterable
from concurrent.futures import Future
from functools import lru_cache
from itertools import count

from attrs import define, field

from iwf_py.model.ids import WorkflowKey
from iwf_py.model.invocations import EVERYTHING, Fence, Serves, Task
from iwf_py.model.status import Phase
from iwf_py.ports import Clock
from iwf_py.runtime.answers import answer


@define(eq=False)
class Hand:
    """
    One call that is out: ready for a worker, or taken by one.

    Attributes:
        worker: The host and port that it goes to; None where it goes to code in this process.

        taken_at: By the monotonic clock; None while it is ready.
    """

    key: WorkflowKey
    task: Task
    order: int
    worker: str | None = None
    taken_at: float | None = None
    is_gone: bool = False

    @property
    def state_id(self) -> str | None:
        """What a worker must have code for; an RPC needs the type only."""
        return None if self.task.fence.phase is Phase.RPC else self.task.invocation.method_name


@define(eq=False)
class _Taker:
    limit: int
    serves: Serves
    future: Future[tuple[Task, ...]] = field(factory=Future)


# Beyond it, those that were cancelled are looked for.
_MANY_TAKERS = 32

# The workflow type, the state or None for RPCs, and the worker.
_Kind = tuple[str, str | None, str | None]


class Dispatch:
    """All calls that are out, and the workers that wait for one."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._out: dict[Fence, Hand] = {}
        # Outcomes that have come and were not judged yet: their calls are not given out again.
        self._returned: set[Fence] = set()
        self._ready: dict[_Kind, deque[Hand]] = {}
        # Calls that were handed out and are not back, by worker; and the workers that calls were kept from meanwhile.
        self._given: Counter[str] = Counter()
        self._full: set[str] = set()
        self._takers: deque[_Taker] = deque()
        self._orders = count(1)
        self._serves: dict[str, frozenset[str]] = {}
        self._serves_all = False
        self._seen: Serves | None = None
        self._is_closed = False

    def __len__(self) -> int:
        return len(self._out)

    @property
    def load(self) -> int:
        """
        How many calls are out that somebody can make, as far as is known: what nobody serves is no reason to wait, and
        neither is what waits for a worker that has its hands full.
        """
        with self._lock:
            served = self._known()
            return len(self._out) - sum(
                len(queue)
                for (workflow_type, state_id, worker), queue in self._ready.items()
                if worker in self._full or (served is not None and not served.has(workflow_type, state_id))
            )

    def has(self, fence: Fence) -> bool:
        """Is this call out, or its outcome about to be judged?"""
        return fence in self._out or fence in self._returned

    def put(self, key: WorkflowKey, task: Task) -> None:
        """Make a call ready; `flush` hands it out."""
        hand = Hand(key, task, next(self._orders), _host_of(task.invocation.worker_url))
        with self._lock:
            if self._is_closed or self.has(task.fence):
                return
            self._out[task.fence] = hand
            kind = task.invocation.workflow_type, hand.state_id, hand.worker
            queue = self._ready.get(kind)
            if queue is None:
                queue = self._ready[kind] = deque()
            queue.append(hand)

    def take(self, limit: int, serves: Serves) -> Future[tuple[Task, ...]]:
        """Answer with what is ready and served, at most *limit*; wait where there is nothing."""
        taker = _Taker(limit, serves)
        if limit < 1:
            answer(taker.future, ())
            return taker.future
        with self._lock:
            if self._is_closed:
                answer(taker.future, ())
                return taker.future
            self._learn(serves)
            if len(self._takers) >= _MANY_TAKERS:
                self._takers = deque(waiting for waiting in self._takers if not waiting.future.cancelled())
            self._takers.append(taker)
        self.flush()
        return taker.future

    def flush(self) -> None:
        """Hand what is ready to the workers that wait."""
        given: list[tuple[Future[tuple[Task, ...]], tuple[Task, ...]]] = []
        with self._lock:
            if not self._takers or not self._ready:
                return
            waiting: deque[_Taker] = deque()
            for taker in self._takers:
                hands = self._pick(taker)
                if hands:
                    given.append((taker.future, tuple(hand.task for hand in hands)))
                elif not taker.future.cancelled():
                    waiting.append(taker)
            self._takers = waiting
        # Outside the lock: whoever hears it may come back at once for more.
        for future, tasks in given:
            future.set_result(tasks)

    def end(self, fence: Fence) -> Hand | None:
        """Take a call back, as its outcome is wanted no more, or needs no judgement; None when it is not out."""
        with self._lock:
            hand, has_room = self._pull(fence)
        if has_room:
            self.flush()
        return hand

    def returned(self, fence: Fence) -> Hand | None:
        """Take a call back whose outcome has come; until `judged`, it is not given out again. None when it is not out."""
        with self._lock:
            hand, has_room = self._pull(fence)
            if hand is not None:
                self._returned.add(fence)
        if has_room:
            self.flush()
        return hand

    def judged(self, fence: Fence) -> None:
        """Note that what follows from a returned call stands, or that nothing does."""
        self._returned.discard(fence)

    def overdue(self, grace: float) -> list[Hand]:
        """Tell the calls that a worker took and has not answered, *grace* seconds after their timeout."""
        now = self._clock.monotonic()
        with self._lock:
            hands = list(self._out.values())
        return [
            hand
            for hand in hands
            if hand.taken_at is not None and hand.taken_at + hand.task.invocation.timeout.total_seconds() + grace <= now
        ]

    @property
    def serves(self) -> Serves | None:
        """What the workers seen so far have code for; None when none was seen."""
        with self._lock:
            return self._known()

    def close(self) -> None:
        """Send the workers home, and forget all calls."""
        with self._lock:
            self._is_closed = True
            takers, self._takers = self._takers, deque()
            self._ready.clear()
            self._out.clear()
            self._given.clear()
            self._full.clear()
        for taker in takers:
            answer(taker.future, ())

    def _learn(self, serves: Serves) -> None:
        """Remember what workers have code for; the lock is held."""
        if serves is self._seen:
            return
        self._seen = serves
        if serves.states is None:
            self._serves_all = True
            return
        for workflow_type, states in serves.states.items():
            known = self._serves.get(workflow_type)
            if known is None or not states <= known:
                self._serves[workflow_type] = states | (known or frozenset())

    def _known(self) -> Serves | None:
        if self._serves_all:
            return EVERYTHING
        return Serves(dict(self._serves)) if self._serves else None

    def _pull(self, fence: Fence) -> tuple[Hand | None, bool]:
        """Take a call out; is there room now for one that was kept from its worker? The lock is held."""
        hand = self._out.pop(fence, None)
        if hand is None:
            return None, False
        hand.is_gone = True
        worker = hand.worker
        if worker is None or hand.taken_at is None:
            return hand, False
        self._given[worker] -= 1
        if not self._given[worker]:
            del self._given[worker]
        has_room = worker in self._full
        self._full.discard(worker)
        return hand, has_room

    def _has_room(self, worker: str | None, serves: Serves) -> bool:
        """Say whether a worker may be given one more; one that may not is noted. The lock is held."""
        if worker is None or serves.most_each is None or self._given[worker] < serves.most_each:
            return True
        self._full.add(worker)
        return False

    def _pick(self, taker: _Taker) -> list[Hand]:
        """Take the oldest calls that *taker* serves from what is ready; the lock is held."""
        served = [kind for kind in self._ready if taker.serves.has(kind[0], kind[1])]
        queues = [self._ready[kind] for kind in served]
        for queue in queues:
            _drop_gone(queue)
        queues = [queue for queue in queues if queue and self._has_room(queue[0].worker, taker.serves)]
        hands: list[Hand] = []
        # A call that is handed over must not be lost on a worker that has just gone.
        if queues and taker.future.set_running_or_notify_cancel():
            now = self._clock.monotonic()
            while queues and len(hands) < taker.limit:
                queue = queues[0] if len(queues) == 1 else min(queues, key=_age)
                hand = queue.popleft()
                hand.taken_at = now
                hands.append(hand)
                _drop_gone(queue)
                if hand.worker is not None:
                    self._given[hand.worker] += 1
                    queues = [other for other in queues if other and self._has_room(other[0].worker, taker.serves)]
                elif not queue:
                    queues = [other for other in queues if other]
        self._forget_empty(served)
        return hands

    def _forget_empty(self, kinds: Iterable[_Kind]) -> None:
        for kind in kinds:
            if not self._ready[kind]:
                del self._ready[kind]


# Whoever starts runs gives but a few.
@lru_cache(maxsize=1024)
def _host_of(url: str | None) -> str | None:
    """Give the part of a worker URL that its prefix does not change, in one spelling; it was checked elsewhere."""
    if url is None:
        return None
    return "/".join(url.lower().split("/", 3)[:3])


def _age(queue: deque[Hand]) -> int:
    return queue[0].order


def _drop_gone(queue: deque[Hand]) -> None:
    while queue and queue[0].is_gone:
        queue.popleft()
