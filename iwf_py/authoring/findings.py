"""What is found wrong while a workflow class is read: collected, so that all of it is told at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from iwf_py.errors import InvalidArgumentError, WorkflowDefinitionError
from iwf_py.model.ids import check_name

ResultT = TypeVar("ResultT")


class Findings:
    """
    Problems of one workflow, in the order in which they were found.

    Args:
        is_strict: Do problems count that iWF's SDK 0.12 lets pass at registration?
    """

    def __init__(self, workflow_type: str, *, is_strict: bool) -> None:
        self.workflow_type = workflow_type
        self.is_strict = is_strict
        self.problems: list[str] = []

    def add(self, problem: str) -> None:
        """Note what can never work."""
        self.problems.append(f"{self.workflow_type}: {problem}")

    def add_all(self, problems: Iterable[str]) -> None:
        """Note several."""
        for problem in problems:
            self.add(problem)

    def add_strict(self, problem: str) -> None:
        """Note what would fail at run time only, or not at all; dropped when not strict."""
        if self.is_strict:
            self.add(problem)

    def check_name(self, what: str, name: object) -> None:
        """Note what keeps a name from being one."""
        try:
            check_name(what, name)
        except InvalidArgumentError as error:
            # iWF takes reserved and empty names; what is no text at all can be stored nowhere.
            (self.add_strict if _is_text(name) else self.add)(str(error))

    def tell(self, method: Callable[[], ResultT], what: str, default: ResultT) -> ResultT:
        """Call a method of the user's that declares something; what it raises is a problem, and *default* the answer."""
        try:
            return method()
        except WorkflowDefinitionError as error:
            self.add_all(f"{what}: {problem}" for problem in error.problems)
        except Exception as error:  # noqa: BLE001 - users' code can raise anything
            self.add(f"{what} raised {type(error).__name__}: {error}")
        return default


def _is_text(name: object) -> bool:
    try:
        return isinstance(name, str) and "\0" not in name and name.encode() is not None
    except UnicodeEncodeError:
        return False
