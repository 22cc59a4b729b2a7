"""A handler's view of its run's channels, and an RPC's way to open states."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, overload

from iwf_py.authoring.definition import WorkflowDefinition
from iwf_py.authoring.sealing import seal
from iwf_py.authoring.state_class import StateClass
from iwf_py.authoring.state_movement import StateMovement, seal_movement
from iwf_py.errors import WorkflowDefinitionError
from iwf_py.model.converter import Converter
from iwf_py.model.decisions import Movement
from iwf_py.model.ids import plain
from iwf_py.model.invocations import Publication
from iwf_py.model.status import ChannelFamily

StateInputT = TypeVar("StateInputT")
_NOTHING: Mapping[tuple[ChannelFamily, str], int] = {}


class Communication:
    """
    Publishing, channel sizes and, in an RPC, opening states.

    What is published or opened takes effect when the handler returns, and is dropped when it raises. A channel that
    the workflow does not declare is a `NotRegisteredError`, which says what is declared.
    """

    __slots__ = ("_converter", "_definition", "_in_rpc", "_messages", "_movements", "_sizes")

    def __init__(
        self,
        definition: WorkflowDefinition,
        converter: Converter,
        *,
        channel_sizes: Mapping[tuple[ChannelFamily, str], int] = _NOTHING,
        in_rpc: bool = False,
    ) -> None:
        self._definition = definition
        self._converter = converter
        self._sizes = channel_sizes
        self._in_rpc = in_rpc
        self._messages: list[Publication] = []
        self._movements: list[Movement] = []

    def publish_to_internal_channel(self, channel_name: str, value: Any = None) -> None:
        """Append a message to an internal channel; WorkflowDefinitionError when *value* is not of its type."""
        value_type = self._definition.channels[ChannelFamily.INTERNAL].type_of(channel_name)
        payload = seal(self._converter, value, value_type, f"message for internal channel {channel_name!r}")
        self._messages.append(Publication(channel_name=plain(channel_name), value=payload))

    @overload
    def trigger_state_execution(self, state: type[StateClass[None]], state_input: None = None) -> None: ...

    @overload
    def trigger_state_execution(self, state: type[StateClass[StateInputT]], state_input: StateInputT) -> None: ...

    @overload
    def trigger_state_execution(self, state: str, state_input: object = None) -> None: ...

    def trigger_state_execution(self, state: type[StateClass[Any]] | str, state_input: Any = None) -> None:
        """
        Open a state beside those that are open; only in an RPC.

        Errors:
            WorkflowDefinitionError: Called in a state, which says what follows with its decision.
        """
        if not self._in_rpc:
            raise WorkflowDefinitionError(
                "trigger_state_execution is for RPCs; a state returns StateDecision.multi_next_states(...) instead"
            )
        movement = StateMovement.create(state, state_input)
        self._movements.append(seal_movement(movement, self._definition, self._converter))

    def get_internal_channel_size(self, channel_name: str) -> int:
        """Count the messages of an internal channel that nobody has taken yet, those of this call included."""
        self._definition.channels[ChannelFamily.INTERNAL].type_of(channel_name)
        mine = sum(message.channel_name == channel_name for message in self._messages)
        return self._sizes.get((ChannelFamily.INTERNAL, channel_name), 0) + mine

    def get_signal_channel_size(self, channel_name: str) -> int:
        """Count the signals of a channel that nobody has taken yet."""
        self._definition.channels[ChannelFamily.SIGNAL].type_of(channel_name)
        return self._sizes.get((ChannelFamily.SIGNAL, channel_name), 0)

    # -- for the worker

    @property
    def messages(self) -> tuple[Publication, ...]:
        """What was published, in order."""
        return tuple(self._messages)

    @property
    def movements(self) -> tuple[Movement, ...]:
        """The states that were opened, in order."""
        return tuple(self._movements)
