"""Read a workflow's RPCs: the methods under ``@rpc()``, its own and those of its bases."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from iwf_py.authoring.annotations import type_arguments
from iwf_py.authoring.definition import Handler, Names, RpcDefinition, Slot
from iwf_py.authoring.findings import Findings
from iwf_py.authoring.keys import named_policy
from iwf_py.authoring.rpc import RpcMethod
from iwf_py.authoring.schema_reading import policy_problems
from iwf_py.authoring.signature import Role, Scope, read_handler
from iwf_py.errors import InvalidArgumentError
from iwf_py.model.durations import to_timedelta
from iwf_py.model.hints import local_names
from iwf_py.model.options import LOAD_ALL, LOAD_NONE, PersistenceLoadingPolicy, RpcOptions


def read_rpcs(
    workflow: object,
    *,
    known: Mapping[str, Any],
    attributes: Names,
    search_attributes: Mapping[str, Any],
    findings: Findings,
) -> dict[str, RpcDefinition]:
    """Read the RPCs; the arguments are those of `read_states`."""
    cls = type(workflow)
    scope = Scope(known=known, local=local_names(cls), bindings=type_arguments(cls))
    rpcs: dict[str, RpcDefinition] = {}
    for attribute, owner, method in _methods(cls, findings):
        name = method.name
        if name in rpcs:
            if rpcs[name].method is not method.function:
                findings.add(f"two RPCs are called {name!r} (the second is {attribute}); rename one of the functions")
            continue
        bound = method.function.__get__(workflow, cls)
        handler, problems = read_handler(bound, Role.RPC, scope, name=f"{cls.__name__}.{name}", owner=owner)
        findings.add_all(problems)
        options = _options(method, handler, findings)
        for text in _policy_problems(method, handler, attributes, search_attributes):
            findings.add_strict(text)
        rpcs[name] = RpcDefinition(
            name=name,
            handler=handler,
            options=options,
            method=method.function,
            bypasses_caching=method.bypass_caching_for_strong_consistency,
        )
    return rpcs


def _methods(cls: type, findings: Findings) -> Iterator[tuple[str, type, RpcMethod[Any, Any, Any]]]:
    """Go through the RPCs in the order of their writing, bases first; what a subclass overrides counts once."""
    found: dict[str, tuple[type, object]] = {}
    for base in reversed(cls.__mro__):
        for attribute, value in vars(base).items():
            before = found.get(attribute)
            if before is not None and isinstance(before[1], RpcMethod) and not isinstance(value, RpcMethod):
                findings.add_strict(
                    f"{base.__name__}.{attribute} overrides an RPC of {before[0].__name__} and is none itself; "
                    "put @rpc() above it"
                )
            found[attribute] = (base, value)
    for attribute, (owner, value) in found.items():
        if isinstance(value, RpcMethod):
            yield attribute, owner, value


def _options(method: RpcMethod[Any, Any, Any], handler: Handler, findings: Findings) -> RpcOptions:
    """Give an RPC's options the engine's form; one that takes no Persistence loads nothing."""
    try:
        timeout = to_timedelta(f"timeout_seconds of RPC {method.name}", method.timeout_seconds)
    except InvalidArgumentError as error:
        findings.add(str(error))
        return RpcOptions()
    policies: list[PersistenceLoadingPolicy] = []
    for what, policy in _policies(method):
        given: object = policy
        if given is not None and not isinstance(given, PersistenceLoadingPolicy):
            findings.add(f"{what} of RPC {method.name} takes a PersistenceLoadingPolicy, got {given!r}")
        policies.append((policy or LOAD_ALL) if handler.takes(Slot.PERSISTENCE) else LOAD_NONE)
    return RpcOptions(timeout=timeout or RpcOptions().timeout, attributes=policies[0], search_attributes=policies[1])


def _policies(method: RpcMethod[Any, Any, Any]) -> list[tuple[str, PersistenceLoadingPolicy | None]]:
    policies = {
        "data_attribute_loading_policy": method.data_attribute_loading_policy,
        "search_attribute_loading_policy": method.search_attribute_loading_policy,
    }
    # Written in the body of the class whose attributes it speaks of, before these had names.
    return [
        (what, named_policy(policy) if isinstance(policy, PersistenceLoadingPolicy) else policy)
        for what, policy in policies.items()
    ]


def _policy_problems(
    method: RpcMethod[Any, Any, Any], handler: Handler, attributes: Names, search_attributes: Mapping[str, Any]
) -> Iterable[str]:
    for what, policy in _policies(method):
        given: object = policy
        if not isinstance(given, PersistenceLoadingPolicy):
            continue
        declared = search_attributes if what.startswith("search") else attributes
        yield from policy_problems(given, declared, f"RPC {method.name}: {what}")
        if not handler.takes(Slot.PERSISTENCE):
            yield (
                f"RPC {method.name} has a {what} but takes no Persistence, so it loads and locks nothing; "
                "add the parameter, or drop the policy"
            )
