"""The recorded conversations, with placeholders filled in."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "conversations"
TIMESTAMP = 1_767_950_000


def _filled(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _filled(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_filled(one) for one in value]
    if value == "<timestamp>":
        return TIMESTAMP
    if isinstance(value, str):
        return re.sub(r"<runId(?:-(\d+))?>", lambda match: f"00000000-0000-4000-8000-{int(match[1] or 1):012d}", value)
    return value


CONVERSATIONS: dict[str, list[dict[str, Any]]] = {
    path.stem: [_filled(exchange) for exchange in json.loads(path.read_text())]
    for path in sorted(FOLDER.glob("*.json"))
}


def exchanges(sender: str) -> list[tuple[str, dict[str, Any]]]:
    """List the exchanges that *sender* began, each with its name."""
    return [
        (f"{name}-{index}", exchange)
        for name, conversation in CONVERSATIONS.items()
        for index, exchange in enumerate(conversation)
        if exchange["from"] == sender
    ]


def body_of(value: Any) -> bytes:
    """Give the bytes of a recorded body."""
    return value.encode() if isinstance(value, str) else json.dumps(value).encode()
