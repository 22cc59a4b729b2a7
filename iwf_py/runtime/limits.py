"""The bounds that the engine keeps, in one place."""

from __future__ import annotations

from datetime import timedelta

from attrs import frozen


@frozen(kw_only=True)
class Limits:
    """
    Bounds of queues, batches, caches and patience.

    Attributes:
        queue: Clients' events that may wait for their turn; more are refused (back-pressure).

        callers: RPCs that may be under way.

        resets: Resets that may be under way: each holds the past of a run in memory.

        batch_changes: A batch that has so many changes takes no more.

        batch_size: The same, in characters of payload.

        batches: How many one step of the combiner carries out before it makes room for others.

        open_records: Records of open runs kept in memory.

        closed_records: The same for closed ones.

        records_size: Characters of attributes that all kept records may hold together.

        page: What upkeep asks of the store at once.

        share: Timers and calls that came due that one batch takes along.

        loads: Runs that one reading step loads.

        backlog: With so many calls in hand, upkeep claims no more.

        sweep: Rows of closed runs deleted in one commit.

        look_every: How often upkeep looks, whatever the alarm was set to.

        grace: How long after its own timeout a call is given up that a worker took and never answered. Long: a worker may
            take more than it begins at once, and one in this process always answers.

        recoveries: A call that was given out again more often than this may be what ends the engine: it is given out with a
            pause, so that all others get on meanwhile. It is never given up: most that lie in an engine's hands when it ends
            have nothing to do with its end.

        first_suspicion: That pause; doubled with each further recovery up to *longest_suspicion*.

        tries: An inner event whose commit was refused so often, alone, parks its run.

        first_pause: Before the store is asked again after it failed; doubled up to *longest_pause*.

        long_history: A run whose history comes to so many entries, or to a multiple of them, is told of in the log.

        checks_invariants: Look at the whole record after each turn: for tests, it costs the record's size.
    """

    queue: int = 10_000
    callers: int = 10_000
    resets: int = 100
    batch_changes: int = 1_000
    batch_size: int = 4_000_000
    batches: int = 64
    open_records: int = 10_000
    closed_records: int = 1_000
    records_size: int = 128_000_000
    page: int = 1_000
    share: int = 250
    loads: int = 32
    backlog: int = 10_000
    sweep: int = 500
    look_every: timedelta = timedelta(seconds=5)
    grace: timedelta = timedelta(hours=1)
    recoveries: int = 5
    first_suspicion: timedelta = timedelta(seconds=1)
    longest_suspicion: timedelta = timedelta(seconds=10)
    tries: int = 12
    first_pause: timedelta = timedelta(milliseconds=50)
    longest_pause: timedelta = timedelta(seconds=5)
    long_history: int = 100_000
    checks_invariants: bool = False

    def pause(self, tries: int) -> timedelta:
        """Tell how long to wait after the *tries*-th failure (from 1)."""
        return _doubled(self.first_pause, tries, self.longest_pause)

    def suspicion(self, recoveries: int) -> timedelta:
        """Tell how long a call waits that was recovered so often; most do not wait at all."""
        if recoveries <= self.recoveries:
            return timedelta(0)
        return _doubled(self.first_suspicion, recoveries - self.recoveries, self.longest_suspicion)


def _doubled(first: timedelta, times: int, longest: timedelta) -> timedelta:
    return min(first * (1 << min(times - 1, 20)), longest)
