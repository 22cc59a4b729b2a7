"""User code runs on a pool that it cannot exhaust."""

import asyncio
import sys
import threading

import pytest

from iwf_py.errors import EngineStoppedError, InvalidArgumentError
from iwf_py.ports import waiting
from tests.worker_loop.doubles import SOON, answer, invocation


def test_a_call_is_answered_once(make_pool, outcomes):
    """
    Whatever user code answers is handed to `done`.
    """
    pool = make_pool()

    pool.perform(invocation(tag="a"), outcomes("a"))

    assert outcomes.wait(1) == {"a": answer("a")}
    assert pool.serves.has("Flow", "work")


def test_calls_run_beside_each_other_up_to_the_bound(make_pool, outcomes, gate):
    """
    The pool grows as calls hang, no further than it may; what waits runs when there is a thread.
    """
    pool = make_pool(max_workers=3)
    for tag in "abcd":
        pool.perform(invocation("hang", tag=tag), outcomes(tag))

    gate.entered(3)
    assert gate.inside == 3
    gate.open()

    assert set(outcomes.wait(4)) == set("abcd")
    assert gate.inside == 4


def test_a_thread_is_used_again(make_pool, outcomes):
    """
    A thread that is done with one call takes the next.
    """
    names = []
    pool = make_pool({"name": lambda call: names.append(threading.get_ident())}, max_workers=1)

    for number in range(20):
        pool.perform(invocation("name"), outcomes(number))
        outcomes.wait(number + 1)

    assert len(names) == 20
    assert len(set(names)) == 1


def test_an_idle_thread_ends(make_pool, outcomes):
    """
    Threads that nobody needs go away, and come back when they are needed.
    """
    threads = []
    pool = make_pool({"name": lambda call: threads.append(threading.current_thread())}, idle_seconds=0.01)

    pool.perform(invocation("name"), outcomes("a"))
    outcomes.wait(1)
    threads[0].join(SOON)
    pool.perform(invocation("name"), outcomes("b"))
    outcomes.wait(2)

    assert not threads[0].is_alive()
    assert threads[1] is not threads[0]


@pytest.mark.parametrize(
    "error", [SystemExit(3), KeyboardInterrupt(), GeneratorExit(), ValueError("no"), RecursionError()]
)
def test_nothing_that_user_code_raises_ends_the_pool(make_pool, outcomes, error):
    """
    Even sys.exit is a failed attempt, and the thread goes on.
    """

    def fail(call):
        raise error

    async def fail_async(call):
        raise error

    pool = make_pool({"fail": fail}, {"fail_async": fail_async}, max_workers=1)

    pool.perform(invocation("fail"), outcomes("plain"))
    pool.perform(invocation("fail_async"), outcomes("async"))
    pool.perform(invocation("work", tag="w"), outcomes("after"))

    results = outcomes.wait(3)
    assert results["plain"].failure.error_type == type(error).__name__
    assert results["async"].failure.error_type == type(error).__name__
    assert results["after"] == answer("w")


def test_an_attempt_past_its_timeout_is_answered_and_replaced(make_pool, outcomes, gate):
    """
    A hanging handler costs its own attempt: the failure says so, another thread goes on, and its late answer is unheard.
    """
    pool = make_pool(max_workers=1, max_abandoned=2)

    pool.perform(invocation("hang", timeout=0.05), outcomes("hang"))
    failed = outcomes.wait(1)["hang"]
    pool.perform(invocation("work", tag="w"), outcomes("work"))
    results = outcomes.wait(2)
    gate.open()

    assert failed.failure.error_type == "AttemptTimeout"
    assert failed.failure.message == (
        "hang timed out after 0.05 s (activity StartToClose timeout); the abandoned attempt may still be running"
    )
    assert failed.failure.is_retryable
    assert results["work"] == answer("w")
    assert len(outcomes.all) == 2


def test_hanging_handlers_cannot_exhaust_the_pool(make_pool, outcomes, gate):
    """
    A hundred handlers that hang for ever: each is answered, and another workflow type is served.
    """
    pool = make_pool(max_workers=8, max_abandoned=8)
    for number in range(100):
        pool.perform(invocation("hang", timeout=0.05, kind="Bad"), outcomes(number))
    pool.perform(invocation("work", tag="w"), outcomes("work"))

    results = outcomes.wait(101)
    held_back = pool.held_back

    assert results.pop("work") == answer("w")
    assert {outcome.failure.error_type for outcome in results.values()} == {"AttemptTimeout", "HeldBack"}
    assert held_back == {"Bad": 8}
    assert gate.inside == 8
    assert "'Bad' is held back: 8 of its attempts hang" in next(
        outcome.failure.message for outcome in results.values() if outcome.failure.error_type == "HeldBack"
    )


def test_what_is_held_back_goes_on_when_the_hanging_ends(make_pool, outcomes, gate):
    """
    Calls that wait because their type hangs run as soon as one of the hanging is over.
    """
    pool = make_pool(max_workers=4, max_abandoned=2)
    for tag in "ab":
        pool.perform(invocation("hang", timeout=0.05), outcomes(tag))
    outcomes.wait(2)
    for tag in "cdef":
        pool.perform(invocation("work", tag=tag), outcomes(tag))
    assert pool.held_back == {"Flow": 2}

    gate.open()

    results = outcomes.wait(6)
    assert {tag: results[tag] for tag in "cdef"} == {tag: answer(tag) for tag in "cdef"}
    assert pool.held_back == {}


def test_a_type_with_one_late_attempt_is_not_held_back(make_pool, outcomes, gate):
    """
    One abandoned attempt takes one of the threads that its type may have, not all.
    """
    pool = make_pool(max_workers=2)
    pool.perform(invocation("hang", timeout=0.05), outcomes("hang"))
    outcomes.wait(1)

    pool.perform(invocation("work", tag="w"), outcomes("work"))

    assert outcomes.wait(2)["work"] == answer("w")


def test_a_thread_that_waits_in_our_client_is_made_up_for(make_pool, outcomes):
    """
    A handler that waits for another handler cannot starve it, however deep they nest, and the surplus threads end.
    """
    pools = []

    def nest(call):
        if call.workflow_id == "0":
            return "bottom"
        inner = threading.Event()
        pools[0].perform(invocation("nest", tag=str(int(call.workflow_id) - 1)), lambda outcome: inner.set())
        with waiting():
            assert inner.wait(SOON)
        return "done"

    pools.append(make_pool({"nest": nest}, max_workers=1))

    pools[0].perform(invocation("nest", tag="20"), outcomes("top"))

    assert outcomes.wait(1)["top"] == answer("done")


def test_waiting_outside_of_a_pool_is_nothing():
    """
    A caller's own thread enters and leaves.
    """
    with waiting():
        pass


def test_a_cancelled_call_is_forgotten(make_pool, outcomes, gate):
    """
    One that has not begun never runs, one that runs goes on unheard.
    """
    pool = make_pool(max_workers=1)
    cancel_running = pool.perform(invocation("hang"), outcomes("running"))
    gate.entered(1)
    cancel_queued = pool.perform(invocation("hang"), outcomes("queued"))

    cancel_queued()
    cancel_running()
    gate.open()
    pool.perform(invocation("work"), outcomes("last"))

    assert set(outcomes.wait(1)) == {"last"}
    assert gate.inside == 1


def test_a_forgotten_call_that_hangs_is_replaced_all_the_same(make_pool, outcomes, gate):
    """
    Nobody listens to a cancelled call, but its thread is made up for once its time is over.
    """
    pool = make_pool(max_workers=1, max_abandoned=2)
    cancel = pool.perform(invocation("hang", timeout=0.05), outcomes("hang"))
    gate.entered(1)
    cancel()

    pool.perform(invocation("work", tag="w"), outcomes("work"))

    assert outcomes.wait(1) == {"work": answer("w")}


def test_what_done_raises_is_its_own_trouble(make_pool, outcomes, caplog):
    """
    The thread outlives a listener that fails.
    """

    def fail(outcome):
        raise ValueError("listener")

    pool = make_pool(max_workers=1)

    pool.perform(invocation("work"), fail)
    pool.perform(invocation("work", tag="w"), outcomes("work"))

    assert outcomes.wait(1)["work"] == answer("w")
    assert "could not be handed back" in caplog.text


def test_async_handlers_run_beside_each_other_on_one_thread(make_pool, outcomes):
    """
    Coroutines that wait for each other are all under way at once, and need no thread of the pool.
    """
    arrived = []
    threads = set()

    async def meet(call):
        arrived.append(call.workflow_id)
        threads.add(threading.current_thread())
        while len(arrived) < 100:
            await asyncio.sleep(0)
        return "met"

    pool = make_pool(coroutines={"meet": meet}, max_workers=1)
    for number in range(100):
        pool.perform(invocation("meet", tag=str(number)), outcomes(number))

    assert set(map(str, outcomes.wait(100).values())) == {str(answer("met"))}
    assert len(threads) == 1


def test_an_async_attempt_past_its_timeout_is_cancelled(make_pool, outcomes):
    """
    The coroutine is told, and the attempt is answered whether it listens or not.
    """
    cancelled = threading.Event()

    async def hang(call):
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    pool = make_pool(coroutines={"hang_async": hang})

    pool.perform(invocation("hang_async", timeout=0.05), outcomes("hang"))

    assert outcomes.wait(1)["hang"].failure.error_type == "AttemptTimeout"
    assert cancelled.wait(SOON)
    assert len(outcomes.all) == 1


def test_an_async_call_can_be_forgotten(make_pool, outcomes):
    """
    Cancelling it cancels the coroutine, and nobody is told.
    """
    running, cancelled = threading.Event(), threading.Event()

    async def hang(call):
        running.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    pool = make_pool(coroutines={"hang_async": hang})
    cancel = pool.perform(invocation("hang_async"), outcomes("hang"))
    assert running.wait(SOON)

    cancel()

    assert cancelled.wait(SOON)
    pool.close()
    assert outcomes.all == []


def test_a_coroutine_that_blocks_the_loop_is_left_behind(make_pool, outcomes, gate):
    """
    The others get another loop: those that were on the blocked one fail, to be tried again, later ones run.
    """
    innocent = threading.Event()

    async def block(call):
        gate(call)

    async def wait(call):
        innocent.set()
        await asyncio.Event().wait()

    async def work(call):
        return "fine"

    pool = make_pool(coroutines={"block": block, "wait": wait, "work_async": work}, loop_patience=0)
    pool.perform(invocation("wait", kind="Good"), outcomes("innocent"))
    assert innocent.wait(SOON)
    pool.perform(invocation("block", kind="Bad", timeout=0.05), outcomes("blocker"))
    gate.entered(1)
    outcomes.wait(1)

    pool.perform(invocation("work_async", kind="Good"), outcomes("later"))

    results = outcomes.wait(3)
    assert results["blocker"].failure.error_type == "AttemptTimeout"
    assert results["innocent"].failure.error_type == "LoopBlocked"
    assert results["later"] == answer("fine")


def test_who_shares_a_blocked_loop_need_not_wait_for_a_newcomer(make_pool, outcomes, gate):
    """
    Once the attempt that blocks the loop has passed its timeout, the others on it are told, though nothing new is begun.
    """
    innocent = threading.Event()

    async def wait(call):
        innocent.set()
        await asyncio.Event().wait()

    async def block(call):
        gate(call)

    pool = make_pool(coroutines={"block": block, "wait": wait}, loop_patience=0.01)
    pool.perform(invocation("wait", kind="Good"), outcomes("innocent"))
    assert innocent.wait(SOON)

    pool.perform(invocation("block", kind="Bad", timeout=0.05), outcomes("blocker"))

    results = outcomes.wait(2)
    assert results["blocker"].failure.error_type == "AttemptTimeout"
    assert results["innocent"].failure.error_type == "LoopBlocked"


async def _leave():
    sys.exit(3)


async def _stop_the_loop():
    asyncio.get_running_loop().stop()


@pytest.mark.parametrize("deed", [_leave, _stop_the_loop])
def test_no_task_of_a_handler_ends_the_loop(make_pool, outcomes, deed, caplog):
    """
    What a handler's own tasks do to the loop, sys.exit included, leaves all others on it as they were.
    """
    innocent = threading.Event()
    done = threading.Event()

    async def wait(call):
        innocent.set()
        while not done.is_set():
            await asyncio.sleep(0)
        return "fine"

    async def bad(call):
        await asyncio.gather(deed(), return_exceptions=True)
        done.set()
        return "done"

    pool = make_pool(coroutines={"bad": bad, "wait": wait})
    pool.perform(invocation("wait"), outcomes("innocent"))
    assert innocent.wait(SOON)

    pool.perform(invocation("bad"), outcomes("bad"))

    assert outcomes.wait(2) == {"innocent": answer("fine"), "bad": answer("done")}


def test_async_handlers_that_block_are_held_back_too(make_pool, outcomes, gate):
    """
    A type whose coroutines block their thread again and again has no more of them than it may.
    """

    async def block(call):
        gate(call)

    async def work(call):
        return "fine"

    pool = make_pool(coroutines={"block": block, "work_async": work}, loop_patience=0, max_abandoned=2)
    for number in range(3):
        pool.perform(invocation("block", kind="Bad", timeout=0.05), outcomes(number))
        outcomes.wait(number + 1)

    pool.perform(invocation("work_async", kind="Good"), outcomes("good"))

    results = outcomes.wait(4)
    assert [results[number].failure.error_type for number in range(3)] == [
        "AttemptTimeout",
        "AttemptTimeout",
        "HeldBack",
    ]
    assert results["good"] == answer("fine")
    assert pool.held_back == {"Bad": 2}


def test_waiting_for_a_service_in_an_async_handler_is_refused(make_pool, outcomes):
    """
    A blocking client call would hold up every other coroutine; the sentence names the way out.
    """

    async def wait(call):
        with pytest.raises(InvalidArgumentError, match="AsyncClient"):
            with waiting():
                pass
        return "refused"

    pool = make_pool(coroutines={"wait": wait})

    pool.perform(invocation("wait"), outcomes("a"))

    assert outcomes.wait(1)["a"] == answer("refused")


def test_closing_ends_threads_and_coroutines(make_pool, outcomes):
    """
    After close no thread of the pool runs, nothing is answered late, and nothing can be begun.
    """
    running = threading.Event()
    threads = []

    async def hang(call):
        threads.append(threading.current_thread())
        running.set()
        await asyncio.Event().wait()

    pool = make_pool({"name": lambda call: threads.append(threading.current_thread())}, {"hang_async": hang})
    pool.perform(invocation("name"), outcomes("plain"))
    pool.perform(invocation("hang_async"), outcomes("async"))
    outcomes.wait(1)
    assert running.wait(SOON)

    pool.close()
    pool.close()

    assert set(dict(outcomes.all)) == {"plain"}
    assert not any(thread.is_alive() for thread in threads)
    with pytest.raises(EngineStoppedError, match="start the engine again"):
        pool.perform(invocation("work"), outcomes("late"))


def test_closing_leaves_behind_what_does_not_end(make_pool, outcomes, gate, caplog):
    """
    A hanging handler does not hold up the end, and its threads are daemons.
    """
    pool = make_pool()
    pool.perform(invocation("hang"), outcomes("hang"))
    gate.entered(1)

    pool.close(timeout=0.01)

    assert "1 call(s) of user code did not end" in caplog.text
    assert all(thread.daemon for thread in threading.enumerate() if thread.name.startswith("iwf-"))


def test_many_calls_from_many_threads_are_each_answered_once(make_pool, outcomes):
    """
    However calls and threads interleave, none is lost and none answered twice.
    """
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        pool = make_pool(max_workers=4, idle_seconds=0.0)

        def submit(first):
            for number in range(first, first + 250):
                pool.perform(invocation(tag=str(number)), outcomes(number))

        submitters = [threading.Thread(target=submit, args=(first,)) for first in range(0, 1000, 250)]
        for thread in submitters:
            thread.start()
        for thread in submitters:
            thread.join()
        results = outcomes.wait(1000)
    finally:
        sys.setswitchinterval(interval)

    assert results == {number: answer(number) for number in range(1000)}
    assert len(outcomes.all) == 1000
