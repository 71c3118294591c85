"""Decoding and naming many small messages at once: by a process of its own, where one is free.

Under load this is a third of what a message costs. The event loop then has only to decide. What is
prepared is what the loop would have come to by itself, or it is not used: the message is decoded as
usual where anything is not as it was, or where the process has no answer.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

from adapters.base import DecodeContext, Decoded, Executor, Format, Summary
from gateway.journal.base import Journal
from gateway.journal.types import Facts, Message, MessageState
from gateway.looking_up import facts_of
from gateway.naming import Keyed, keyed
from gateway.program import Naming, Program, Programs, ProgramSource


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the messages of one route are decoded and named. ``formats`` is importable by name."""

    formats: Callable[[str], Format]
    format_name: str
    context: DecodeContext  # ``source`` is each message's own
    namings: Mapping[str, Naming]  # by set type, of sources that several routes share
    naming: Naming


class Raw(NamedTuple):
    """One message as it came."""

    source: str
    route: str
    sha256: str
    body: bytes


class Prepared(NamedTuple):
    """One message decoded and named; its documents stayed behind as canonical JSON."""

    sets: tuple[Keyed, ...]
    summary: Summary


class Ready(NamedTuple):
    """A prepared message whose translation has begun."""

    message: Message
    prepared: Prepared
    revision: int  # under whose configuration it was prepared
    facts: Facts | None = None  # looked up for many; None: to be looked up for it alone


def prepare(recipe: bytes, batch: Sequence[Raw]) -> list[Prepared | None]:
    """Decode and name messages; None for one that breaks the decoder: the usual way tells of it."""
    return [_prepared(_recipe(recipe), raw) for raw in batch]


@lru_cache(maxsize=64)
def _recipe(pickled: bytes) -> Recipe:
    recipe: Recipe = pickle.loads(pickled)  # noqa: S301  the gateway's own
    return recipe


def _prepared(recipe: Recipe, raw: Raw) -> Prepared | None:
    def named(decoded: Decoded) -> Keyed:
        naming = recipe.namings.get(decoded.set_type, recipe.naming)
        return keyed(decoded, naming, raw.route, raw.sha256).without_document()

    try:
        decoder = recipe.formats(recipe.format_name).decoder(replace(recipe.context, source=raw.source))
        sets = list(decoder.feed(raw.body))
        rest, summary = decoder.finish()
        return Prepared(tuple(map(named, (*sets, *rest))), summary)
    except Exception:  # noqa: BLE001  a decoder's bug costs its own message only
        return None


class Preparing:
    """Has small messages of a lane prepared in another process."""

    def __init__(
        self,
        journal: Journal,
        programs: ProgramSource,
        formats: Callable[[str], Format],
        executor: Executor,
    ) -> None:
        self._journal = journal
        self._programs = programs
        self._formats = formats
        self._executor = executor
        self._recipes: dict[str, bytes] = {}
        self._recipes_of: int | None = None  # the revision that they are of

    async def ready(self, messages: Sequence[Message]) -> dict[str, Ready]:
        """Begin and prepare messages of one route, by id; those that are not there go the usual way.

        Errors: JournalError, JournalBusyError.
        """
        if not messages or not self._executor.is_free(len(messages)):
            return {}
        programs = self._programs(None)
        route, revision = messages[0].route, programs.revision
        recipe = self._recipe_of(programs, route)
        if recipe is None:
            return {}
        begun = await self._journal.begin_together([each.message_id for each in messages], revision)
        whole = [
            (message, Raw(message.origin.name or message.message_id, route, message.sha256, body))
            for message, body in begun
            if body is not None and _is_fresh(message, revision)
        ]
        prepared = await self._executor.apart(prepare, recipe, [raw for _, raw in whole])
        if prepared is None:
            return {}
        return {
            message.message_id: Ready(message, each, revision)
            for (message, _), each in zip(whole, prepared, strict=True)
            if each is not None
        }

    async def with_facts(self, ready: Mapping[str, Ready]) -> dict[str, Ready]:
        """Look up at once what messages name that name nothing in common: no plan changes another's facts."""
        made, programs = list(ready.values()), self._programs(None)
        if not made or made[0].message.route not in programs.routes:
            return dict(ready)
        seen: set[str] = set()
        apart: list[bool] = []
        for each in made:
            names = {name for keyed in each.prepared.sets for name in _names(keyed)}
            apart.append(seen.isdisjoint(names))
            seen |= names
        route = made[0].message.route
        facts = await facts_of(
            self._journal,
            [keyed for each, alone in zip(made, apart, strict=True) if alone for keyed in each.prepared.sets],
            lambda set_type: programs.of_set(route, set_type) or programs.routes[route],
        )
        return {
            each.message.message_id: each._replace(facts=facts) if alone else each
            for each, alone in zip(made, apart, strict=True)
        }

    def _recipe_of(self, programs: Programs, route: str) -> bytes | None:
        """Give a route's recipe, packed; None where its messages cannot be prepared apart.

        Code tables are in the journal and change: who translates by them asks for each message.
        """
        if self._recipes_of != programs.revision:
            self._recipes, self._recipes_of = {}, programs.revision
        program = programs.routes.get(route)
        if program is None or program.crosswalks:
            return None
        if route not in self._recipes:
            self._recipes[route] = pickle.dumps(_recipe_for(self._formats, programs, program))
        return self._recipes[route]


def _is_fresh(message: Message, revision: int) -> bool:
    """Tell whether nothing of a message is planned yet, and its translation began under this revision."""
    is_open = message.state is MessageState.TRANSLATING
    return is_open and message.config_revision == revision and not message.planned_through


def _names(each: Keyed) -> set[str]:
    """Give every name by which a plan may change what another set stands on."""
    own = {key.key for key in each.decoded.control_keys}
    about = {receipt.key for receipt in each.decoded.receipts}
    keys = {each.document_key} if each.document_key is not None else set[str]()
    return own | about | keys | {*each.order_keys, *each.order_numbers}


def _recipe_for(formats: Callable[[str], Format], programs: Programs, program: Program) -> Recipe:
    shared = programs.shared.get(program.route, {})
    namings = {set_type: programs.routes[name].naming for set_type, name in shared.items()}
    return Recipe(formats, program.format_name, program.context, namings, program.naming)
