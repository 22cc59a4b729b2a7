"""What keeps a workflow type whose handlers hang from taking the pool away from the others.

Not safe by itself: its owner holds a lock.
"""

from __future__ import annotations

from collections import Counter, deque
from typing import Generic, TypeVar

C = TypeVar("C")


class Holding(Generic[C]):
    """
    Running, abandoned and held back calls by workflow type.

    Args:
        most: Calls that one type may have running or abandoned, once any of them is abandoned.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._running: Counter[str] = Counter()
        self._abandoned: Counter[str] = Counter()
        self._held: dict[str, deque[C]] = {}

    def hanging(self, kind: str) -> int:
        """Tell how many abandoned calls of a type still run."""
        return self._abandoned[kind]

    def is_full(self, kind: str) -> bool:
        """Is a type held back?"""
        abandoned = self._abandoned[kind]
        return bool(abandoned) and abandoned + self._running[kind] >= self._most

    def full(self) -> dict[str, int]:
        """Tell which types are held back, with how many abandoned calls."""
        return {kind: self._abandoned[kind] for kind in sorted(self._abandoned) if self.is_full(kind)}

    def begin(self, kind: str) -> None:
        """Count a call that runs."""
        self._running[kind] += 1

    def abandon(self, kind: str) -> None:
        """Count a running call as abandoned."""
        self._running[kind] -= 1
        self._abandoned[kind] += 1

    def end(self, kind: str, *, was_abandoned: bool) -> list[C]:
        """Count a call as over, and take out those that may go on now."""
        (self._abandoned if was_abandoned else self._running)[kind] -= 1
        waiting = self._held.get(kind)
        if not waiting:
            return []
        if self._abandoned[kind]:
            return [] if self.is_full(kind) else [waiting.popleft()]
        del self._held[kind]
        return list(waiting)

    def hold(self, kind: str, call: C) -> bool:
        """Keep a call until another of its type is over; is it the first that has to wait?"""
        waiting = self._held.setdefault(kind, deque())
        waiting.append(call)
        return len(waiting) == 1

    def drop(self, kind: str, call: C) -> None:
        """Keep a call no longer."""
        waiting = self._held.get(kind)
        if waiting and call in waiting:
            waiting.remove(call)
