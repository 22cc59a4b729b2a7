"""What clients do to a run without running any code of it: send, publish, write, stop."""

from __future__ import annotations

from iwf_py.core.changes import ConfigChanged
from iwf_py.core.channels import ChannelKey
from iwf_py.core.closing import close
from iwf_py.core.effects import Accepted, Answer, Refused
from iwf_py.core.events import AttributesSet, ConfigUpdated, Published, Signalled, StopRequested
from iwf_py.core.step import Step
from iwf_py.core.writing import append, attributes_problem, publications_problem, room_problem, write_attributes
from iwf_py.errors import ClientSideError, HttpError, InvalidArgumentError
from iwf_py.model.ids import check_name
from iwf_py.model.status import ChannelFamily, WorkflowErrorType, WorkflowStatus, WorkflowStopType


def signal(step: Step, event: Signalled) -> Answer:
    """Append one message to a signal channel, which need not be known."""
    key = ChannelFamily.SIGNAL, event.channel_name
    problem = _name_problem(step, key) or room_problem(step, key, 1, 1)
    if problem is not None:
        return Refused(problem)
    append(step, ChannelFamily.SIGNAL, event.channel_name, event.value)
    return Accepted()


def publish(step: Step, event: Published) -> Answer:
    """Append messages to internal channels, all or none."""
    for message in event.messages:
        problem = _name_problem(step, (ChannelFamily.INTERNAL, message.channel_name))
        if problem is not None:
            return Refused(problem)
    full = publications_problem(step, event.messages)
    if full is not None:
        return Refused(full)
    for message in event.messages:
        append(step, ChannelFamily.INTERNAL, message.channel_name, message.value)
    return Accepted()


def _name_problem(step: Step, key: ChannelKey) -> HttpError | None:
    # The name of a channel that exists was looked at before.
    if key in step.draft.channels:
        return None
    try:
        check_name("channel name", key[1])
    except InvalidArgumentError as error:
        return ClientSideError(str(error))
    return None


def set_attributes(step: Step, event: AttributesSet) -> Answer:
    """Write attributes, whoever holds them."""
    try:
        for key, _ in event.attributes:
            check_name("attribute key", key)
        for attribute in event.search_attributes:
            check_name("search attribute key", attribute.key)
    except InvalidArgumentError as error:
        return Refused(ClientSideError(str(error)))
    problem = attributes_problem(step, event.attributes, event.search_attributes)
    if problem is not None:
        return Refused(problem)
    write_attributes(step, event.attributes, event.search_attributes)
    return Accepted()


def update_config(step: Step, event: ConfigUpdated) -> Answer:
    """Lay settings over those that the run has."""
    config = step.draft.config.merged(event.config)
    if config != step.draft.config:
        step.change(ConfigChanged(config=config))
    return Accepted()


def stop(step: Step, event: StopRequested) -> Answer:
    """End the run. Only a FAIL keeps its reason with the run; that of the others stands in the history."""
    if event.stop_type is WorkflowStopType.FAIL:
        # An empty reason is none.
        close(
            step,
            WorkflowStatus.FAILED,
            WorkflowErrorType.CLIENT_API_FAILING_WORKFLOW_ERROR_TYPE,
            event.reason or None,
        )
    elif event.stop_type is WorkflowStopType.TERMINATE:
        close(step, WorkflowStatus.TERMINATED)
    else:
        close(step, WorkflowStatus.CANCELED)
    return Accepted()
