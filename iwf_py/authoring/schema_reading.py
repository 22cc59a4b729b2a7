"""Read what a workflow declares of attributes and channels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from iwf_py.authoring.communication_schema import CommunicationMethod, CommunicationMethodType
from iwf_py.authoring.definition import Names
from iwf_py.authoring.findings import Findings
from iwf_py.authoring.persistence_schema import PersistenceField, PersistenceFieldType
from iwf_py.model.options import PersistenceLoadingPolicy
from iwf_py.model.queries import SYSTEM_KINDS
from iwf_py.model.status import ChannelFamily, SearchAttributeValueType


def read_attributes(
    fields: list[PersistenceField], findings: Findings
) -> tuple[Names, dict[str, SearchAttributeValueType]]:
    """Read data attributes by name and by prefix, and search attributes."""
    exact = [(f.key, f.value_type) for f in fields if f.field_type is PersistenceFieldType.DataAttribute]
    prefixes = [(f.key, f.value_type) for f in fields if f.field_type is PersistenceFieldType.DataAttributePrefix]
    names = _names("data attribute", exact, prefixes, findings)
    searched = [
        (f.key, f.search_attribute_type) for f in fields if f.field_type is PersistenceFieldType.SearchAttribute
    ]
    _check_names("search attribute", [key for key, _ in searched], findings)
    search: dict[str, SearchAttributeValueType] = {}
    for key, value_type in searched:
        try:
            search[key] = SearchAttributeValueType(value_type)  # type: ignore[arg-type]  # None is told below
        except ValueError:
            findings.add(f"search attribute {key!r} needs a SearchAttributeValueType, got {value_type!r}")
        if key in SYSTEM_KINDS:
            findings.add(f"search attribute {key!r} is one of the engine's own; give yours another name")
        if key in names.exact:
            findings.add_strict(f"{key!r} is both a data attribute and a search attribute; rename one of them")
    return names, search


def read_channels(methods: list[CommunicationMethod], findings: Findings) -> dict[ChannelFamily, Names]:
    """Read signal and internal channels by name and by prefix."""
    channels: dict[ChannelFamily, Names] = {}
    for family, method_type, what in (
        (ChannelFamily.SIGNAL, CommunicationMethodType.SignalChannel, "signal channel"),
        (ChannelFamily.INTERNAL, CommunicationMethodType.InternalChannel, "internal channel"),
    ):
        of_family = [method for method in methods if method.method_type is method_type]
        exact = [(method.name, method.value_type) for method in of_family if not method.is_prefix]
        prefixes = [(method.name, method.value_type) for method in of_family if method.is_prefix]
        # Two signal channels of one name passed in iWF: the last one won.
        channels[family] = _names(what, exact, prefixes, findings, report=_duplicates_of(family, findings))
    return channels


def _duplicates_of(family: ChannelFamily, findings: Findings) -> Callable[[str], None]:
    return findings.add_strict if family is ChannelFamily.SIGNAL else findings.add


def _names(
    what: str,
    exact: list[tuple[str, Any]],
    prefixes: list[tuple[str, Any]],
    findings: Findings,
    *,
    report: Callable[[str], None] | None = None,
) -> Names:
    _check_names(what, [name for name, _ in exact], findings, report)
    _check_names(f"{what} prefix", [name for name, _ in prefixes], findings, report)
    for name, value_type in (*exact, *prefixes):
        if isinstance(value_type, str):
            findings.add_strict(f"{what} {name!r} has the text {value_type!r} for a type; give the class itself")
        elif isinstance(value_type, int | float | list | tuple | dict | set):
            findings.add_strict(
                f"{what} {name!r} has the value {value_type!r} for a type; give a type, such as list[int]"
            )
    for name in dict(exact):
        for prefix in dict(prefixes):
            if str(name).startswith(str(prefix)):
                findings.add_strict(f"{what} {name!r} falls under the prefix {prefix!r}, too; rename one of them")
    return Names(what=what, owner=findings.workflow_type, exact=dict(exact), prefixes=dict(prefixes))


def _check_names(what: str, names: list[str], findings: Findings, report: Callable[[str], None] | None = None) -> None:
    for name, times in Counter(names).items():
        if times > 1:
            (report or findings.add)(f"{what} {name!r} is declared {times} times; declare it once")
        findings.check_name(what, name)


def policy_problems(
    policy: PersistenceLoadingPolicy | None, declared: Names | Mapping[str, Any], what: str
) -> Iterable[str]:
    """Say which keys of a loading policy no attribute can ever have."""
    if policy is None:
        return
    names = declared if isinstance(declared, Names) else Names(what="search attribute", exact=declared)
    for key in policy.locking_keys:
        if not names.has(key):
            yield f"{what} locks {key!r}, which is no {names.what}; declare it or mend the key"
    for key in policy.partial_loading_keys:
        if names.has(key) or (policy.use_key_as_prefix and _begins_any(key, names)):
            continue
        yield f"{what} loads {key!r}, which is no {names.what}; declare it or mend the key"


def _begins_any(prefix: str, names: Names) -> bool:
    return any(name.startswith(prefix) for name in (*names.exact, *names.prefixes))
