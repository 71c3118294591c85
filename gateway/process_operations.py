"""What people may do with a running gateway: the operations behind its API and its control socket."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any

from gateway.app import Gateway, format_by_name
from gateway.control import ControlServer
from gateway.forecast.answering import answered
from gateway.forecast.making import Store
from gateway.operations import Hooks, OperationError, Operations
from gateway.order_reading import OrderReading
from gateway.parts import journal_key
from gateway.security.secrets import SecretStore


def operations_of(gateway: Gateway, secret: SecretStore) -> Operations:
    """Give the operations of a gateway, with what only its process can do."""
    planning = asyncio.Lock()  # a plan takes two processes and all they can get; one at a time

    async def plan(asked: Mapping[str, Any]) -> dict[str, Any]:
        if planning.locked():
            raise OperationError("refused", "another plan is being made at this moment; ask again after it")
        async with planning:
            return await made(asked)

    async def made(asked: Mapping[str, Any]) -> dict[str, Any]:
        configuration = gateway.configuration
        store = Store(configuration.gateway.journal.path, journal_key(configuration, secret))
        now = gateway.clock.now()
        return await answered(asked, configuration, gateway.journal, store, format_by_name, now)

    hooks = Hooks(
        work_changed=gateway.look_again,
        process=gateway.process_facts,
        plan=plan,
        reading=OrderReading(gateway.destinations, gateway.clock),
    )
    return Operations(gateway.journal, lambda: gateway.configuration, gateway.clock, hooks)


async def open_control_socket(
    gateway: Gateway, operations: Operations, stack: contextlib.AsyncExitStack
) -> None:
    """Listen for the command line until the stack ends, where it has a socket. Errors: ControlError."""
    path = gateway.configuration.gateway.control_socket_path
    if path is None:
        return
    server = ControlServer(path, operations)
    await server.start()
    stack.push_async_callback(server.stop)
