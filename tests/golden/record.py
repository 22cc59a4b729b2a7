"""Records golden histories: once, and never over one that is there, which is what makes them golden.

python -m tests.golden.record
"""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs

from iwf_py.codec.snapshots import FORMAT, dump, event_to_text, kind_of
from iwf_py.core.events import Event
from iwf_py.core.parts import Parts, stored
from iwf_py.core.record import Record
from iwf_py.core.rewind import rewind
from iwf_py.model.commands import CommandRequest, InternalChannelCommand, TimerCommand
from iwf_py.model.payload import Payload
from tests.core.machine import Machine, to, writes

HERE = Path(__file__).parent


def signup() -> list[Event]:
    """Alice gets one reminder before she follows the link: three states, a timer, an RPC."""
    form = Payload(
        "json/plain", '{"username":"alice","email":"alice@example.com","first_name":"Alice","last_name":"Liddell"}'
    )
    machine = Machine(
        to("SubmitState", input=form),
        workflow_id="alice",
        workflow_type="UserSignupWorkflow",
        timeout=timedelta(hours=1),
    )
    reminder = CommandRequest.for_any_command_completed(
        TimerCommand.by_duration(timedelta(seconds=10)), InternalChannelCommand.by_name("verify")
    )
    machine.later(0.012)
    machine.decides("SubmitState-1", to("VerifyState", None), writes=writes(form="alice", status="waiting"))
    machine.later(0.009)
    machine.waits("VerifyState-1", reminder)
    machine.later(10.004)
    machine.fire("VerifyState-1")
    machine.later(0.25)
    machine.decides("VerifyState-1", to("VerifyState", None))
    machine.later(0.007)
    machine.waits("VerifyState-2", reminder)
    machine.later(3.5)
    machine.answer(None, writes=writes(("verify", "link"), status="verified"), output=Payload("json/plain", '"done"'))
    machine.later(0.011)
    machine.completes("VerifyState-2", Payload("json/plain", '"done"'))
    return machine.events


def snapshot(record: Record) -> Any:
    """A record as its rows would say it, for comparing."""
    parts = {field.name: getattr(stored(record), field.name) for field in attrs.fields(Parts)}
    return {
        name: [json.loads(dump(item)) for item in part] if isinstance(part, tuple) else json.loads(dump(part))
        for name, part in parts.items()
    }


def golden(story: str, events: list[Event]) -> dict[str, Any]:
    return {
        "story": story,
        "history": [
            {"kind": kind_of(event), "format": FORMAT, "event": json.loads(event_to_text(event))} for event in events
        ],
        "records": [snapshot(rewind(events, seq)) for seq in range(1, len(events) + 1)],
    }


def main() -> None:
    path = HERE / "signup.json"
    if path.exists():
        raise SystemExit(f"{path.name} is there already: record a new story under a new name")
    path.write_text(json.dumps(golden(signup.__doc__ or "", signup()), indent=1) + "\n")


if __name__ == "__main__":
    main()
