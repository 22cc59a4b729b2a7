"""Names that a workflow declares in its class body, and that are their own text.

A declared name is a str, so that it can be handed over wherever a key or a channel name is wanted, and found
in what is answered by key. A str cannot change, and the name of a class attribute is known only when the class is
made: the one that was written in the body is then replaced by one that has the name.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Generic, Self, TypeVar

from attrs import evolve

from iwf_py.errors import WorkflowDefinitionError
from iwf_py.model.ids import plain
from iwf_py.model.options import PersistenceLoadingPolicy
from iwf_py.model.status import ChannelFamily

ValueT = TypeVar("ValueT")
KeyT = TypeVar("KeyT", bound="Declared")


class Declared(str):
    """
    A name with what it declares.

    Args:
        value_type: Of the values under it.

        name: One that is given none takes that of the class attribute it stands in.
    """

    # Of the classes below: what a prefix adds to the name of its attribute.
    _ending: ClassVar[str] = ""

    value_type: Any
    _named: Declared | None = None
    _declaration: Any = None

    def __new__(cls, value_type: Any, name: str = "") -> Self:
        """Declare it."""
        made = str.__new__(cls, name)
        made.value_type = value_type
        return made

    def __set_name__(self, owner: type, name: str) -> None:
        if not self:
            if self._named is None:
                self._named = self._with_name(name + self._ending)
            setattr(owner, name, self._named)

    def _with_name(self, name: str) -> Self:
        named = str.__new__(type(self), name)
        vars(named).update(vars(self))
        return named

    @property
    def declaration(self) -> Any:
        """
        What stands for it in a schema; always the same object.

        Errors:
            WorkflowDefinitionError: It has no name.
        """
        if self._declaration is None:
            self._declaration = self._declare(self.name)
        return self._declaration

    @property
    def name(self) -> str:
        """
        The name as a plain str; errors as `declaration`.

        It is known in the body of the class already for one that was given it, and as soon as the class is made for others.
        """
        if self:
            return plain(self)
        if self._named is not None:
            return self._named.name
        raise WorkflowDefinitionError(
            f"{self!r} has no name: assign it in the body of a workflow class, or give it one"
        )

    def _declare(self, name: str) -> Any:
        raise NotImplementedError

    def __repr__(self) -> str:
        return str.__repr__(self) if self else f"<{type(self).__name__} without a name>"

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        """A copy is the name alone."""
        return str, (self.name,)


class AttributeKey(Declared, Generic[ValueT]):
    """The key of an attribute whose values are of this type."""


class ChannelName(Declared, Generic[ValueT]):
    """The name of a channel whose messages are of this type."""

    # Which kind of channel; the two classes below say.
    family: ClassVar[ChannelFamily]


class Prefix(Declared, Generic[KeyT]):
    """A beginning of names: ``note["alice"]`` is the name that goes on with ``alice``."""

    # No attribute has a - in its name: one that is called by itself never falls under a prefix that is.
    _ending = "-"

    def __getitem__(self, rest: str) -> KeyT:  # type: ignore[override]  # a map of names, not a sequence of signs
        if not isinstance(rest, str):
            raise WorkflowDefinitionError(f"prefix {self!r} goes on with a str, got {rest!r}")
        return self._key(self.name + rest)

    def _key(self, name: str) -> KeyT:
        raise NotImplementedError


def declared_in(cls: type) -> list[tuple[str, Declared]]:
    """List what a class and its bases declare, by class attribute, bases first; what a subclass overrides counts once."""
    found: dict[str, object] = {}
    for base in reversed(cls.__mro__):
        found |= vars(base)
    return [(attribute, value) for attribute, value in found.items() if isinstance(value, Declared)]


def declarations(cls: type, kind: type[ValueT]) -> Iterator[ValueT]:
    """Go through what a class declares of a kind; one under two attributes is one."""
    seen: list[Declared] = []
    for _, declared in declared_in(cls):
        if declared and not any(declared is other for other in seen) and isinstance(declared.declaration, kind):
            seen.append(declared)
            yield declared.declaration


def named_policy(policy: PersistenceLoadingPolicy) -> PersistenceLoadingPolicy:
    """Return a policy with the names of keys that had none yet when it was written, in the body of their class."""
    if all(policy.partial_loading_keys) and all(policy.locking_keys):
        return policy
    return evolve(
        policy,
        partial_loading_keys=map(_name_of, policy.partial_loading_keys),
        locking_keys=map(_name_of, policy.locking_keys),
    )


def _name_of(key: str) -> str:
    return key.name if isinstance(key, Declared) else key
