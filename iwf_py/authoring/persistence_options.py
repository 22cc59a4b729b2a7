"""Options of a workflow's attributes as a whole."""

from __future__ import annotations

from attrs import frozen


@frozen
class PersistenceOptions:
    """
    How attributes are kept.

    Attributes:
        enable_caching: Accepted for code written for iWF, where it made reads cheap and eventually consistent; here
            reads are cheap and consistent in either case.
    """

    enable_caching: bool = False

    @classmethod
    def get_default(cls) -> PersistenceOptions:
        """Return what a workflow has that says nothing."""
        return cls()
