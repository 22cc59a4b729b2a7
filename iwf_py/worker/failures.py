"""What is told of an attempt that raised."""

from __future__ import annotations

import traceback
from collections.abc import Callable

from iwf_py.errors import NonRetryableError, RetryAfter
from iwf_py.model.invocations import Failure, Invocation

MAX_MESSAGE = 4_000
MAX_DETAIL = 16_000


def failure_of(error: BaseException, invocation: Invocation) -> Failure:
    """
    Say why an attempt failed.

    Whatever the error does when it is looked at, this answers: its texts are bounded in size, and hold nothing
    that a database could not keep.
    """
    return Failure(
        error_type=_text(lambda: type(error).__name__, 200),
        message=_text(lambda: str(error) or repr(error), MAX_MESSAGE),
        # The innermost calls are what tells; a deep recursion has a thousand others.
        detail=_text(lambda: "".join(traceback.format_exception(error, limit=-30)), MAX_DETAIL),
        state_id=None if invocation.state_execution_id is None else invocation.method_name,
        state_execution_id=invocation.state_execution_id,
        is_retryable=not isinstance(error, NonRetryableError),
        retry_after=error.delay if isinstance(error, RetryAfter) else None,
    )


def _text(tell: Callable[[], str], most: int) -> str:
    try:
        text = tell()
        clean = text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")
    except BaseException as error:  # noqa: BLE001 - a user's __str__ may raise anything
        return f"<cannot be told: {type(error).__name__}>"
    if len(clean) <= most:
        return clean
    # The end of a trace names the error; the beginning of a message says what it is about.
    half = most // 2
    return f"{clean[:half]}\n... {len(clean) - 2 * half} characters left out ...\n{clean[-half:]}"
