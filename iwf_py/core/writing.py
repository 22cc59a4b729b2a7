"""What user code and clients write: checked as a whole, then applied as a whole.

Order of application: search attributes, data attributes, messages.
"""

from __future__ import annotations

from collections.abc import Iterable

from iwf_py.core.attributes import MAX_ATTRIBUTES, MAX_ATTRIBUTES_SIZE, first_search_problem, written_instant
from iwf_py.core.changes import AttributeWritten, MessageAppended, SearchAttributeWritten
from iwf_py.core.channels import MAX_CHANNEL_MESSAGES, MAX_RUN_MESSAGES, ChannelKey
from iwf_py.core.draft import VOID
from iwf_py.core.step import Step
from iwf_py.errors import ClientSideError, HttpError, TooManyRequestsError
from iwf_py.model.invocations import Publication, Writes
from iwf_py.model.payload import Payload, SearchAttribute
from iwf_py.model.status import ChannelFamily

Attributes = Iterable[tuple[str, Payload | None]]


def problem_with(step: Step, writes: Writes) -> HttpError | None:
    """Say what keeps *writes* from being applied; None when nothing does."""
    return (attributes_problem(step, writes.attributes, writes.search_attributes)) or publications_problem(
        step, writes.messages
    )


def attributes_problem(
    step: Step, attributes: tuple[tuple[str, Payload | None], ...], search_attributes: tuple[SearchAttribute, ...]
) -> HttpError | None:
    """Say what keeps attributes from being written: a value that does not fit its type, or a full run."""
    if search_attributes:
        problem = first_search_problem(search_attributes, step.at)
        if problem is not None:
            return ClientSideError(problem)
    if not attributes and not search_attributes:
        return None
    return _fullness(step, attributes, search_attributes)


def _fullness(
    step: Step, attributes: tuple[tuple[str, Payload | None], ...], search_attributes: tuple[SearchAttribute, ...]
) -> HttpError | None:
    draft = step.draft
    there = len(draft.attributes) + len(draft.search_attributes)
    if there + len(attributes) + len(search_attributes) > MAX_ATTRIBUTES:
        # Only near the limit is it worth telling new keys from known ones.
        new = {key for key, value in attributes if value is not None and key not in draft.attributes}
        new_search = {
            attribute.key
            for attribute in search_attributes
            if not attribute.is_empty and attribute.key not in draft.search_attributes
        }
        if there + len(new) + len(new_search) > MAX_ATTRIBUTES:
            return TooManyRequestsError(
                f"workflow {_name(step)} would have more than {MAX_ATTRIBUTES} attributes; delete some that are not needed"
            )
    size = sum(value.size for _, value in attributes if value is not None)
    if draft.attributes_size + size > MAX_ATTRIBUTES_SIZE:
        replaced = sum(
            draft.attributes[key].value.size for key in {key for key, _ in attributes} & set(draft.attributes)
        )
        if draft.attributes_size + size - replaced > MAX_ATTRIBUTES_SIZE:
            return TooManyRequestsError(
                f"the attributes of workflow {_name(step)} would take more than {MAX_ATTRIBUTES_SIZE} characters; "
                "delete some that are not needed"
            )
    return None


def publications_problem(step: Step, messages: tuple[Publication, ...]) -> HttpError | None:
    """Say what keeps internal messages from being appended: a full channel, or a full run."""
    if not messages:
        return None
    counts: dict[str, int] = {}
    for message in messages:
        counts[message.channel_name] = counts.get(message.channel_name, 0) + 1
    for name, count in counts.items():
        problem = room_problem(step, (ChannelFamily.INTERNAL, name), count, len(messages))
        if problem is not None:
            return problem
    return None


def room_problem(step: Step, key: ChannelKey, count: int, total: int) -> HttpError | None:
    """Say whether *count* messages more fit into a channel, and *total* into the run."""
    if len(step.draft.channels.get(key, VOID).messages) + count > MAX_CHANNEL_MESSAGES:
        return TooManyRequestsError(
            f"{key[0].lower()} channel {key[1]!r} of workflow {_name(step)} would hold more than "
            f"{MAX_CHANNEL_MESSAGES} messages that nobody has taken; try again when a state has consumed some"
        )
    if step.draft.unconsumed + total > MAX_RUN_MESSAGES:
        return TooManyRequestsError(
            f"workflow {_name(step)} would hold more than {MAX_RUN_MESSAGES} messages that nobody has taken; "
            "try again when its states have consumed some"
        )
    return None


def _name(step: Step) -> str:
    return f"{step.draft.started.request.workflow_id!r} (run {step.draft.started.run_id})"


def write(step: Step, writes: Writes) -> None:
    """Apply *writes*, which have no problem."""
    if writes.attributes or writes.search_attributes:
        write_attributes(step, writes.attributes, writes.search_attributes)
    for message in writes.messages:
        append(step, ChannelFamily.INTERNAL, message.channel_name, message.value)


def write_attributes(step: Step, attributes: Attributes, search_attributes: Iterable[SearchAttribute]) -> None:
    """Write attributes, which have no problem. Deleting one that is not there changes nothing."""
    for attribute in search_attributes:
        if not attribute.is_empty or attribute.key in step.draft.search_attributes:
            instant = written_instant(attribute, step.at)
            step.change(SearchAttributeWritten(attribute=attribute, revision=step.seq, instant=instant))
    for key, value in attributes:
        if value is not None or key in step.draft.attributes:
            step.change(AttributeWritten(key=key, value=value, revision=step.seq))


def append(step: Step, family: ChannelFamily, channel_name: str, value: Payload | None) -> None:
    """Append a message; who gets it is settled at the end of the turn."""
    step.change(MessageAppended(family=family, channel_name=channel_name, number=step.order(), value=value))
    step.channels[family, channel_name] = None
