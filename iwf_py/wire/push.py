"""Calls of user code over HTTP: each goes to the worker that its run's URL names.

The engine judges and retries; here an attempt is made once, by its deadline, and has an outcome whatever the worker does.
"""

from __future__ import annotations

import logging
import secrets
import ssl
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import lru_cache, partial

from attrs import evolve, frozen

from iwf_py.errors import InvalidArgumentError
from iwf_py.model.invocations import Failed, Failure, Invocation, InvocationKind, Outcome, Serves
from iwf_py.ports import Executor
from iwf_py.wire.calls import write_call
from iwf_py.wire.decoding import LARGE_TEXT, encode
from iwf_py.wire.exchanging import PER_HOST, Answered, Post, Reply
from iwf_py.wire.judging import outcome_of, timed_out, unanswered
from iwf_py.wire.marks import MARK
from iwf_py.wire.posting import Poster
from iwf_py.wire.routes import WORKER_ROUTES, Route
from iwf_py.wire.signing import HEADER, Signed, SigningKey, sign
from iwf_py.wire.worker_urls import WorkerUrls

_log = logging.getLogger(__name__)

# How many calls the worker loop of a server has in hand at once: a call costs a connection and no thread, and so many hosts
# that hang as this is times `PER_HOST` leave others room.
LIMIT = 32 * PER_HOST
# The longest that a worker gets for one call, whatever its state's options say.
MAX_CALL = timedelta(minutes=10)
# Worker URLs that are remembered as admitted.
_REMEMBERED = 1_024


@frozen
class _Target:
    """Where calls of one kind go, for runs with one worker URL."""

    url: str
    route: Route
    headers: Mapping[str, str] = MARK
    tls: ssl.SSLContext | None = None
    key: SigningKey | None = None


class PushPerformer:
    """
    Calls workers (a `ports.Performer`).

    Args:
        urls: Which workers may be called.

        per_host: Calls to one host and port at once.

        most: What a call gets at the longest, whatever its state's options say; a call that would have got more and was not
            answered in time is told of in the log.

        now: Tells the seconds since 1970, for calls that are signed.
    """

    def __init__(
        self,
        urls: WorkerUrls,
        *,
        per_host: int = PER_HOST,
        most: timedelta = MAX_CALL,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._urls = urls
        self._most = most
        self._now = now
        self._poster = Poster(urls.look_up, per_host=per_host)
        self._serves = Serves(None, most_each=per_host)
        # The list does not change; names are looked up, and looked at, for every connection.
        self._target = lru_cache(_REMEMBERED)(self._admitted)

    @property
    def serves(self) -> Serves:
        """What it has code for: whatever a run's worker has."""
        return self._serves

    @property
    def executor(self) -> Executor:
        """The thread on which calls are made and answers come in; it ends when the performer is closed."""
        return self._poster

    def perform(self, invocation: Invocation, done: Callable[[Outcome], None]) -> Callable[[], None]:
        """
        Make one call; *done* is called exactly once, on a thread of the poster's, unless the call is cancelled first.

        Returns:
            Cancel: its connection is closed, and the worker's answer is not heard.

        Errors:
            EngineStoppedError: The performer is closed.
        """
        try:
            post = self._post(invocation)
        except InvalidArgumentError as error:
            failed = Failed(Failure(error_type="WorkerUrlRefused", message=str(error)))
            # Not from here: whoever has many of these would be called back ever deeper.
            return self._poster.soon(lambda: done(_placed(failed, invocation)))
        return self._poster.post(post, partial(self._answered, invocation, done))

    def close(self, timeout: float = 5.0) -> None:
        """Forget what is under way; the workers go on unheard."""
        self._poster.close(timeout)

    def _answered(self, invocation: Invocation, done: Callable[[Outcome], None], reply: Reply) -> None:
        if isinstance(reply, Answered):
            if len(reply.body) > LARGE_TEXT:
                _log.warning(
                    "a worker's answer for %s of workflow %r has %d KiB; keep large values elsewhere and send where they are",
                    invocation.state_execution_id or invocation.method_name,
                    invocation.workflow_id,
                    len(reply.body) // 1024,
                )
        elif reply.is_timeout and invocation.timeout > self._most:
            _log.warning(
                "the call of %s of workflow %r was given up after %g s, the longest that this server waits, "
                "though its options allow %g s",
                invocation.state_execution_id or invocation.method_name,
                invocation.workflow_id,
                self._most.total_seconds(),
                invocation.timeout.total_seconds(),
            )
        done(_outcome(invocation, reply))

    def _post(self, invocation: Invocation) -> Post:
        if not invocation.worker_url:
            raise InvalidArgumentError(
                f"workflow {invocation.workflow_id!r} was started without a worker URL, and this engine has no code of its own"
            )
        target = self._target(invocation.worker_url, invocation.kind)
        body = encode(write_call(invocation))
        return Post(
            url=target.url,
            body=body,
            timeout=min(invocation.timeout, self._most).total_seconds(),
            headers=target.headers if target.key is None else self._signed(target, target.key, body),
            tls=target.tls,
        )

    def _signed(self, target: _Target, key: SigningKey, body: bytes) -> Mapping[str, str]:
        signed = Signed(int(self._now()), secrets.token_hex(16))
        return {**target.headers, HEADER: sign(key, target.route.method, target.route.path, body, signed)}

    def _admitted(self, worker_url: str, kind: InvocationKind) -> _Target:
        admitted, route = self._urls.admit(worker_url), WORKER_ROUTES[kind]
        url, entry = f"{admitted.url}{route.path}", admitted.entry
        if entry is None:
            return _Target(url, route)
        return _Target(url, route, {**MARK, **entry.headers}, entry.tls, entry.signing_key)


def _outcome(invocation: Invocation, reply: Reply) -> Outcome:
    kind = invocation.kind
    if isinstance(reply, Answered):
        return _placed(outcome_of(kind, reply.status, reply.content_type, reply.body), invocation)
    url = f"{(invocation.worker_url or '').rstrip('/')}{WORKER_ROUTES[kind].path}"
    if reply.is_timeout:
        return _placed(timed_out(kind, url, is_last_moment=invocation.is_last_moment), invocation)
    # A state's failure has room for a few words, and its run says where it was called.
    reason = f'Post "{url}": {reply.reason}' if kind is InvocationKind.RPC else reply.reason
    return _placed(unanswered(kind, reason), invocation)


def _placed(outcome: Outcome, invocation: Invocation) -> Outcome:
    """Say of a failure whose it is."""
    if not isinstance(outcome, Failed) or invocation.state_execution_id is None:
        return outcome
    execution_id = invocation.state_execution_id
    return Failed(evolve(outcome.failure, state_id=invocation.method_name, state_execution_id=execution_id))
