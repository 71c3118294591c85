"""What one translation of one message stands on: the journal, the routes, the formats, the message."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from adapters.base import Clock, Executor, Format, Role
from gateway.acknowledging import REPLY
from gateway.crosswalk import CodeTableCache
from gateway.going_on import whole_message
from gateway.journal.base import Journal
from gateway.journal.types import DeliveryPlan, Message
from gateway.program import Program, ProgramSource
from gateway.stage import Stage


@dataclass(frozen=True, slots=True)
class MessageRun:
    """One message, and everything that its translation reads and writes with.

    ``is_call``: its caller may still wait for the answer; nobody waits for what a person has replayed.
    """

    journal: Journal
    programs: ProgramSource
    formats: Callable[[str], Format]
    executor: Executor
    clock: Clock
    message: Message
    tables: CodeTableCache
    is_call: bool = True

    @property
    def pinned(self) -> Program:
        """Give the program that the message was first translated with: it is decoded as it was then."""
        return self.programs(self.message.config_revision).routes[self.message.route]

    @property
    def format(self) -> Format:
        """Give the format that the message came in."""
        return self.formats(self.pinned.format_name)

    def program_of(self, set_type: str) -> Program:
        """Give the program of a set as configured now; where it is gone, as it was then."""
        route, pinned = self.message.route, self.programs(self.message.config_revision)
        return self.programs(None).of_set(route, set_type) or pinned.of_set(route, set_type) or self.pinned

    def own_program(self) -> Program:
        """Give the program of the message's own route as configured now; one that is gone, as it was."""
        return self.programs(None).routes.get(self.message.route, self.pinned)

    def returns_to(self, route: str) -> str | None:
        """Give the endpoint that takes acknowledgments of what a route received."""
        program = self.programs(None).routes.get(route)
        target = program.acknowledge.to if program is not None else None
        return None if target == REPLY else target

    def live_role(self, program: Program) -> Role:
        """Give the role of a whole message on its way to legacy: the caller's own call, where one waits.

        Nobody waits for what a person has replayed: workers deliver it.
        """
        is_call = (
            self.is_call
            and program.reply in ("pass_through", "query")
            and self.message.origin.transport == "http"
        )
        return "pass_through" if is_call else "live"

    def nothing_recognised(self, program: Program, stage: Stage) -> list[DeliveryPlan]:
        """Pass on what we cannot read at all, where legacy is live: it only is an exception for us."""
        target = program.rule.legacy_target
        if stage not in (Stage.LEGACY, Stage.SHADOW) or target is None:
            return []
        return [whole_message(program, self.message, target, self.live_role(program))]
