"""What type checkers refuse of calls of workflows: each line that ends in a mark is an error, and no other line is."""

from __future__ import annotations

from dataclasses import dataclass

from iwf_py import AsyncClient, Client, Communication, ObjectWorkflow, Persistence, rpc


@dataclass
class Form:
    email: str


class Signup(ObjectWorkflow):
    @rpc()
    def verify(self, source: str, persistence: Persistence, communication: Communication) -> str:
        return "done"

    @rpc()
    def read(self, persistence: Persistence) -> Form:
        return Form("a@b")


class Other(ObjectWorkflow):
    @rpc()
    def read(self) -> int:
        return 3


def calls(client: Client) -> None:
    client.invoke_rpc("alice", Signup.verify, 3)  # refused
    client.invoke_rpc("alice", Signup.verify)  # refused
    client.invoke_rpc("alice", Signup.read, "email")  # refused
    client.invoke_rpc("alice", Form, "email")  # refused
    answer: int = client.invoke_rpc("alice", Signup.verify, "email")  # refused
    result: int | None = client.wait_for_workflow_completion("alice", str)  # refused
    client.start_workflow(Form, "alice")  # refused
    client.start_workflow(Signup, "alice", "an hour")  # refused
    client.start_workflow(Signup, "alice", 3600, None, {"workflow_start_delay_seconds": 3})  # refused
    client.publish_to_internal_channel("alice", "verify")  # refused
    client.skip_timer_by_command_id("alice", Form, "t")  # refused
    client.wait_for_workflow_completion("alice", str, 3)  # refused


def handles(client: Client) -> None:
    handle = client.start(Signup, "alice", Form("a@b"))
    handle.call(Signup.verify, 3)  # refused
    handle.call(Signup.verify)  # refused
    handle.call(Other.read)  # refused
    client.start(Form, "alice")  # refused


async def awaited(client: AsyncClient) -> None:
    await client.invoke_rpc("alice", Signup.verify, 3)  # refused
    (await client.start(Signup, "alice")).call(Other.read)  # refused
