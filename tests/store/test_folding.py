"""What a batch leaves of a run, before it is rows."""

from __future__ import annotations

from iwf_py.core.events import AttemptsExhausted, ExecuteReturned
from iwf_py.model.decisions import DEAD_END, FORCE_COMPLETING, Movement
from iwf_py.model.invocations import Failure
from iwf_py.model.options import StateOptions
from iwf_py.model.status import Phase
from iwf_py.store.database import SqlStore
from iwf_py.store.folding import RunFold
from tests.store.host import Host, decides, to


def test_only_a_state_that_succeeded_has_completed(host: Host, store: SqlStore):
    """
    Whoever waits for a state by its key does not take its failure, which another state follows, for its completion.
    """
    options = StateOptions(skip_wait_until=True, failure_state_id="B")
    host.start("w", Movement("A", None, options))
    split = decides(Movement("A", None, options, "fails"), Movement("A", None, options, "succeeds"))
    host.send_now(ExecuteReturned, number=1, result=split)
    failure = Failure(error_type="ValueError", message="boom", attempts=1)

    host.send_now(AttemptsExhausted, number=2, phase=Phase.EXECUTE, failure=failure)
    host.send_now(ExecuteReturned, number=3, result=decides(Movement(DEAD_END)))

    fold = RunFold(host.latest().write(), store.epoch)
    assert [(left.wait_for_key, left.succeeded) for left in fold.completions] == [("fails", False), ("succeeds", True)]
    host.commit()
    host.check()
    loaded = store.load(host.latest().row)
    assert loaded is not None
    assert dict(loaded.record.failed.items()) == {"A-2": 2}
    assert dict(loaded.record.keyed.items()) == {("A", "succeeds"): 3}


def test_an_ordinary_completion_is_no_row(host: Host, store: SqlStore):
    """
    A state that only moves on leaves nothing but the count of its executions, which a closed run keeps.
    """
    host.start("w", to("A"))
    host.commit()
    host.send_now(ExecuteReturned, number=1, result=decides(to("B")))

    host.send_now(ExecuteReturned, number=2, result=decides(Movement(FORCE_COMPLETING)))

    assert RunFold(host.latest().write(), store.epoch).completions == []
    host.commit()
    host.check()
    loaded = store.load(host.latest().row)
    assert loaded is not None
    assert dict(loaded.record.ordinals.items()) == {"A": 1, "B": 1}
