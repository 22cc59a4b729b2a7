"""RPCs: methods of a workflow that clients call while it runs.

The decorator leaves an `RpcMethod` in the class. Reached through the class or an instance it gives an
`Rpc`, which knows through which class it was reached, and which type checkers know by what a client passes
and gets: ``Rpc[UserSignupWorkflow, str, str]``.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar, overload

from attrs import frozen

from iwf_py.authoring.communication import Communication
from iwf_py.authoring.persistence import Persistence
from iwf_py.authoring.workflow import get_workflow_type_by_class
from iwf_py.authoring.workflow_context import WorkflowContext
from iwf_py.errors import InvalidArgumentError, WorkflowDefinitionError
from iwf_py.model.durations import Duration
from iwf_py.model.options import PersistenceLoadingPolicy

# Contravariant in what goes in: an RPC that takes a str or None may be called with a str, or without input.
WorkflowT_contra = TypeVar("WorkflowT_contra", contravariant=True)
InputT_contra = TypeVar("InputT_contra", contravariant=True)
OutputT_co = TypeVar("OutputT_co", covariant=True)
CallT_co = TypeVar("CallT_co", covariant=True)
W = TypeVar("W")
In = TypeVar("In")
Out = TypeVar("Out")
P = ParamSpec("P")


class Rpc(Generic[WorkflowT_contra, InputT_contra, OutputT_co]):
    """
    An RPC as clients name it: ``UserSignupWorkflow.verify``.

    Attributes:
        method: What the decorator made.

        owner: The class through which it was reached; a subclass's inherited RPC is the subclass's.
    """

    def __init__(self, method: RpcMethod[Any, Any, Any], owner: type) -> None:
        self.method = method
        self.owner = owner
        functools.update_wrapper(self, method.function)

    @property
    def name(self) -> str:
        """The function's name, which is the RPC's."""
        return self.method.name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rpc) and (self.method, self.owner) == (other.method, other.owner)

    def __hash__(self) -> int:
        return hash((self.method, self.owner))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function itself, as tests do; the first argument is the workflow."""
        return self.method.function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<RPC {self.owner.__qualname__}.{self.name}>"


class BoundRpc(
    Rpc[WorkflowT_contra, InputT_contra, OutputT_co], Generic[WorkflowT_contra, InputT_contra, OutputT_co, CallT_co]
):
    """An RPC reached through an instance: it can be called, and named to a client all the same."""

    def __init__(self, method: RpcMethod[Any, Any, Any], owner: type, workflow: object) -> None:
        super().__init__(method, owner)
        self.workflow = workflow

    def __call__(self, *args: Any, **kwargs: Any) -> CallT_co:
        """Call the function itself on this instance."""
        return self.method.function(self.workflow, *args, **kwargs)  # type: ignore[no-any-return]  # known by its signature


class RpcMethod(Generic[WorkflowT_contra, InputT_contra, OutputT_co]):
    """
    A function marked as an RPC, with the options of the mark. It is never changed by a registry.

    Attributes:
        function: The undecorated function.

        timeout_seconds: Of the one attempt.

        data_attribute_loading_policy: None for everything.

        search_attribute_loading_policy: None for everything.

        bypass_caching_for_strong_consistency: Accepted; reads are always consistent here.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        timeout_seconds: Duration,
        data_attribute_loading_policy: PersistenceLoadingPolicy | None,
        search_attribute_loading_policy: PersistenceLoadingPolicy | None,
        bypass_caching_for_strong_consistency: bool,
    ) -> None:
        self.function = function
        self.timeout_seconds = timeout_seconds
        self.data_attribute_loading_policy = data_attribute_loading_policy
        self.search_attribute_loading_policy = search_attribute_loading_policy
        self.bypass_caching_for_strong_consistency = bypass_caching_for_strong_consistency
        functools.update_wrapper(self, function)  # type: ignore[arg-type]  # it copies the names; what it is given need not be callable

    @property
    def name(self) -> str:
        """The function's name."""
        return self.function.__name__

    @overload
    def __get__(self: RpcMethod[W, In, Coroutine[Any, Any, Out]], instance: None, owner: type) -> Rpc[W, In, Out]: ...

    @overload
    def __get__(self, instance: None, owner: type) -> Rpc[WorkflowT_contra, InputT_contra, OutputT_co]: ...

    @overload
    def __get__(
        self: RpcMethod[W, In, Coroutine[Any, Any, Out]], instance: object, owner: type
    ) -> BoundRpc[W, In, Out, Coroutine[Any, Any, Out]]: ...

    @overload
    def __get__(
        self, instance: object, owner: type
    ) -> BoundRpc[WorkflowT_contra, InputT_contra, OutputT_co, OutputT_co]: ...

    def __get__(self, instance: object, owner: type) -> Any:
        """Give the RPC as reached through *owner*."""
        return Rpc(self, owner) if instance is None else BoundRpc(self, owner, instance)


def get_workflow_type_by_rpc_method(rpc_method: Rpc[Any, Any, Any]) -> str:
    """
    Tell the type of the workflow through which an RPC was reached: of ``Child.verify`` it is Child, even if it is inherited.

    Errors:
        InvalidArgumentError: It is no RPC.
    """
    given: object = rpc_method
    if not isinstance(given, Rpc):
        raise InvalidArgumentError(f"{given!r} is not an RPC; put @rpc() above it, and reach it through its class")
    return get_workflow_type_by_class(given.owner)


@frozen
class RPCInfo:
    """
    An RPC of one registry, in the words of iWF.

    Attributes:
        method_func: Bound to the registered workflow.

        params_order: What each parameter is given.
    """

    method_func: Callable[..., Any]
    timeout_seconds: float
    input_type: Any
    data_attribute_loading_policy: PersistenceLoadingPolicy
    params_order: tuple[str, ...]
    bypass_caching_for_strong_consistency: bool = False
    search_attribute_loading_policy: PersistenceLoadingPolicy | None = None
    output_type: Any = None


class RpcDecorator(Protocol):
    """
    Marks a method as an RPC, and tells type checkers what its input is.

    The input stands first; the parameters that are injected follow, in any order. The first overload is for an
    input of type object, which the others would take for one of theirs; those in the middle are for RPCs without
    input; an input that stands after an injected parameter, or behind a ``*``, works too, but type checkers are not
    told its type.
    """

    @overload
    def __call__(self, method: Callable[Concatenate[W, object, P], Out], /) -> RpcMethod[W, object, Out]: ...

    @overload
    def __call__(self, method: Callable[[W, WorkflowContext], Out], /) -> RpcMethod[W, None, Out]: ...

    @overload
    def __call__(self, method: Callable[[W, Persistence], Out], /) -> RpcMethod[W, None, Out]: ...

    @overload
    def __call__(self, method: Callable[[W, Communication], Out], /) -> RpcMethod[W, None, Out]: ...

    @overload
    def __call__(self, method: Callable[[W, WorkflowContext, Persistence], Out], /) -> RpcMethod[W, None, Out]: ...

    @overload
    def __call__(self, method: Callable[[W, WorkflowContext, Communication], Out], /) -> RpcMethod[W, None, Out]: ...

    @overload
    def __call__(self, method: Callable[[W, Persistence, WorkflowContext], Out], /) -> RpcMethod[W, None, Out]: ...

    @overload
    def __call__(self, method: Callable[[W, Persistence, Communication], Out], /) -> RpcMethod[W, None, Out]: ...

    @overload
    def __call__(self, method: Callable[[W, Communication, WorkflowContext], Out], /) -> RpcMethod[W, None, Out]: ...

    @overload
    def __call__(self, method: Callable[[W, Communication, Persistence], Out], /) -> RpcMethod[W, None, Out]: ...

    @overload
    def __call__(
        self, method: Callable[[W, WorkflowContext, Persistence, Communication], Out], /
    ) -> RpcMethod[W, None, Out]: ...

    @overload
    def __call__(
        self, method: Callable[[W, WorkflowContext, Communication, Persistence], Out], /
    ) -> RpcMethod[W, None, Out]: ...

    @overload
    def __call__(
        self, method: Callable[[W, Persistence, WorkflowContext, Communication], Out], /
    ) -> RpcMethod[W, None, Out]: ...

    @overload
    def __call__(
        self, method: Callable[[W, Persistence, Communication, WorkflowContext], Out], /
    ) -> RpcMethod[W, None, Out]: ...

    @overload
    def __call__(
        self, method: Callable[[W, Communication, WorkflowContext, Persistence], Out], /
    ) -> RpcMethod[W, None, Out]: ...

    @overload
    def __call__(
        self, method: Callable[[W, Communication, Persistence, WorkflowContext], Out], /
    ) -> RpcMethod[W, None, Out]: ...

    @overload
    def __call__(self, method: Callable[Concatenate[W, WorkflowContext, P], Out], /) -> RpcMethod[W, Any, Out]: ...

    @overload
    def __call__(self, method: Callable[Concatenate[W, Persistence, P], Out], /) -> RpcMethod[W, Any, Out]: ...

    @overload
    def __call__(self, method: Callable[Concatenate[W, Communication, P], Out], /) -> RpcMethod[W, Any, Out]: ...

    @overload
    def __call__(self, method: Callable[Concatenate[W, In, P], Out], /) -> RpcMethod[W, In, Out]: ...

    @overload
    def __call__(self, method: Callable[[W], Out], /) -> RpcMethod[W, None, Out]: ...

    @overload
    def __call__(self, method: Callable[Concatenate[W, P], Out], /) -> RpcMethod[W, Any, Out]: ...


def rpc(
    timeout_seconds: Duration = 10,
    data_attribute_loading_policy: PersistenceLoadingPolicy | None = None,
    bypass_caching_for_strong_consistency: bool = False,
    *,
    search_attribute_loading_policy: PersistenceLoadingPolicy | None = None,
) -> RpcDecorator:
    """
    Mark a method of a workflow as an RPC; written with parentheses: ``@rpc()``.

    The method takes its input first, if it has one, and then any of `WorkflowContext`, `Persistence` and
    `Communication`, told by their annotations. Its return annotation is what a client's answer is opened as.
    It may be ``async def``.

    Args:
        timeout_seconds: Of the one attempt; seconds or a timedelta.

        data_attribute_loading_policy: What it loads, and holds exclusively while it runs; None loads everything.

        bypass_caching_for_strong_consistency: Accepted for code written for iWF; reads are always consistent here.

        search_attribute_loading_policy: The same as for data attributes.

    Errors:
        WorkflowDefinitionError: The parentheses are missing, or it stands above something other than a function.
    """
    if callable(timeout_seconds):
        raise WorkflowDefinitionError(
            f"write @rpc() with parentheses above {getattr(timeout_seconds, '__qualname__', timeout_seconds)}"
        )

    def mark(method: Callable[..., Any]) -> RpcMethod[Any, Any, Any]:
        if not inspect.isfunction(method):
            raise WorkflowDefinitionError(
                f"@rpc() stands above a plain method, not above {method!r}; "
                "an RPC is called on the workflow, so it cannot be static or a class method"
            )
        return RpcMethod(
            method,
            timeout_seconds=timeout_seconds,
            data_attribute_loading_policy=data_attribute_loading_policy,
            search_attribute_loading_policy=search_attribute_loading_policy,
            bypass_caching_for_strong_consistency=bypass_caching_for_strong_consistency,
        )

    return mark
