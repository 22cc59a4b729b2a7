"""What follows an attempt: accept it, try again at, or exhausted. The one place that judges.

Pure. Hosts store and schedule; a retry writes no history.
"""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from iwf_py.model.invocations import Failure
from iwf_py.model.status import Phase


@frozen(kw_only=True)
class TaskState:
    """
    What a host keeps of one outstanding call of a state, beside the record.

    Attributes:
        number: The state execution's number.

        phase: WAIT_UNTIL or EXECUTE.

        epoch: Of the engine that owns it.

        failures: Attempts that failed; the current attempt is one more.

        recoveries: How often it was given out again because an engine ended; not failures.

        first_at: When the first attempt began.

        due_at: When the next attempt may begin; None when it may at once.

        last_failure: The latest, or None.
    """

    number: int
    phase: Phase
    epoch: int
    first_at: datetime
    failures: int = 0
    recoveries: int = 0
    due_at: datetime | None = None
    last_failure: Failure | None = None

    @property
    def attempt(self) -> int:
        """What users see and fences carry."""
        return self.failures + 1
