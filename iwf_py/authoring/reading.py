"""Read a workflow class into its definition, and name everything that is wrong with it at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar, get_args

from iwf_py.authoring.command_request import CommandRequest
from iwf_py.authoring.communication_schema import CommunicationMethod, CommunicationSchema
from iwf_py.authoring.definition import Names, WorkflowDefinition
from iwf_py.authoring.findings import Findings
from iwf_py.authoring.keys import declarations, declared_in
from iwf_py.authoring.persistence_options import PersistenceOptions
from iwf_py.authoring.persistence_schema import PersistenceField, PersistenceSchema
from iwf_py.authoring.rpc_reading import read_rpcs
from iwf_py.authoring.schema_reading import read_attributes, read_channels
from iwf_py.authoring.signature import SPECIAL
from iwf_py.authoring.state_decision import StateDecision
from iwf_py.authoring.state_reading import instances, read_states
from iwf_py.authoring.state_schema import StateDef, StateSchema
from iwf_py.authoring.workflow import ObjectWorkflow, get_workflow_type
from iwf_py.authoring.workflow_state import T, get_input_type

DeclaredT = TypeVar("DeclaredT", StateSchema, PersistenceSchema, PersistenceOptions, CommunicationSchema)
MemberT = TypeVar("MemberT")


def read_workflow(workflow: ObjectWorkflow, *, strict: bool = True) -> tuple[WorkflowDefinition, list[str]]:
    """
    Read a workflow.

    Args:
        strict: False relaxes what iWF's SDK 0.12 did not check at registration either, as far as it could ever run.

    Returns:
        The definition, and one sentence for each problem; the definition is to be used only if there is none.
    """
    workflow_type = get_workflow_type(workflow)
    findings = Findings(workflow_type, is_strict=strict)
    findings.check_name("workflow type", workflow_type)
    _check_declared(workflow, findings)
    persistence = _declared(workflow, "get_persistence_schema", PersistenceSchema, findings)
    fields = _with_declared(persistence.persistence_fields, declarations(type(workflow), PersistenceField))
    attributes, search_attributes = read_attributes(fields, findings)
    communication = _declared(workflow, "get_communication_schema", CommunicationSchema, findings)
    methods = _with_declared(communication.communication_methods, declarations(type(workflow), CommunicationMethod))
    channels = read_channels(methods, findings)
    declared = instances(_declared(workflow, "get_workflow_states", StateSchema, findings), findings)
    known = _known_names(workflow, declared, [attributes, *channels.values()])
    rpcs = read_rpcs(
        workflow, known=known, attributes=attributes, search_attributes=search_attributes, findings=findings
    )
    states = read_states(
        declared, known=known, attributes=attributes, search_attributes=search_attributes, findings=findings
    )
    definition = WorkflowDefinition(
        workflow_type=workflow_type,
        workflow=workflow,
        states=states,
        start=next((state for state in states.values() if state.can_start_workflow), None),
        rpcs=rpcs,
        attributes=attributes,
        search_attributes=search_attributes,
        channels=channels,
        persistence_options=_declared(workflow, "get_persistence_options", PersistenceOptions, findings),
    )
    return definition, findings.problems


def _declared(workflow: ObjectWorkflow, method: str, kind: type[DeclaredT], findings: Findings) -> DeclaredT:
    """Ask a method of the user's for a schema; whatever goes wrong is a problem, and an empty one the answer."""
    before = len(findings.problems)
    declared = findings.tell(getattr(workflow, method), method, None)
    if isinstance(declared, kind):
        return declared
    if len(findings.problems) == before:
        findings.add(f"{method} returned {declared!r}, not a {kind.__name__}")
    return kind()


def _check_declared(workflow: ObjectWorkflow, findings: Findings) -> None:
    for attribute, declared in declared_in(type(workflow)):
        if not declared:
            findings.add(
                f"{attribute} has no name, since it was put into the class after its making; give it one: "
                f"{type(declared).__name__}(..., {attribute!r})"
            )


def _with_declared(listed: list[MemberT], declared: Iterable[MemberT]) -> list[MemberT]:
    """Put to what a schema lists what the class declares by its attributes; what the schema took from there counts once."""
    return [*listed, *(each for each in declared if not any(each is other for other in listed))]


def _known_names(workflow: ObjectWorkflow, states: Iterable[StateDef], names: Iterable[Names]) -> Mapping[str, Any]:
    """Name the classes that a workflow makes known by itself, for annotations that the module cannot tell."""
    known: dict[str, Any] = {cls.__name__: cls for cls in SPECIAL}
    known |= {"CommandRequest": CommandRequest, "StateDecision": StateDecision, "T": T, "Any": Any}
    types = [value_type for each in names for value_type in (*each.exact.values(), *each.prefixes.values())]
    types += [get_input_type(type(state.state)) for state in states]  # type: ignore[arg-type]  # instances by now
    for value_type in types:
        for part in (value_type, *get_args(value_type)):
            if isinstance(part, type):
                known[part.__name__] = part
    known |= {type(state.state).__name__: type(state.state) for state in states}
    known[type(workflow).__name__] = type(workflow)
    return known
