"""From an order's number to the one exception that is meant: on the phone people have nothing else.

An id always wins. A number does where it means one order, and one thing of that order alone; else all
that is there is shown, and a person chooses.
"""

from __future__ import annotations

import argparse
from typing import Any

from gateway.commands.connection import ask
from gateway.commands.errors import CommandError
from gateway.commands.exception_words import place
from gateway.commands.terminal import counted, say

PLACED_BY_PHONE = "placed_by_phone"
UNTRANSLATED = "; it came under the order's identity and was not translated yet"


def ask_about(arguments: argparse.Namespace, verb: str, **parameters: Any) -> Any:
    """Ask a verb about ``arguments.exception``: an id, or an order's number. Errors: CommandError."""
    try:
        return ask(arguments, verb, exception=arguments.exception, **parameters)
    except CommandError as error:
        if not _is_unknown(error):
            raise
        is_by_phone = parameters.get("resolution") == PLACED_BY_PHONE
        found = _found(arguments, error)
    return ask(arguments, verb, exception=_meant(found, is_by_phone=is_by_phone), **parameters)


def _is_unknown(error: CommandError) -> bool:
    from gateway.operations.errors import OperationError

    return isinstance(error.__cause__, OperationError) and error.__cause__.code == "unknown"


def _found(arguments: argparse.Namespace, error: CommandError) -> dict[str, Any]:
    """Give what there is of an order. Errors: CommandError, the first one, where it is no order either."""
    try:
        found: dict[str, Any] = ask(arguments, "exceptions.of", order=arguments.exception)
    except CommandError:
        raise error from None
    return found


def _meant(found: dict[str, Any], *, is_by_phone: bool) -> str:
    """Give the id of the one thing that a number means. Errors: CommandError where it means none or several.

    ``is_by_phone``: in an outage orders wait, and are placed by phone before anything of them is parked.
    """
    things = [*found["open"]]
    if is_by_phone:  # an order that the supplier has is not placed once more
        things += [each for each in found["unfinished"] if not each["is_placed"]]
    if not things:
        raise CommandError(_nothing(found))
    is_one = len(things) == 1 and len(found["order_keys"]) == 1
    if not is_one or things[0]["about"] != found["order_keys"]:
        for each in things:
            say(_line(each))
        raise CommandError(_which(found, things))
    say(f"order {found['order']} ({found['order_keys'][0]}): {_line(things[0])}")
    exception_id: str = things[0]["exception_id"]
    return exception_id


def _line(thing: dict[str, Any]) -> str:
    """Say what a thing is, in a line."""
    orders = len(thing["about"])
    about = "" if orders == 1 else f"; it is about {orders} orders" if orders else UNTRANSLATED
    if "state" in thing:  # a delivery that is on its way
        reason = f" ({thing['reason']})" if thing["reason"] else ""
        state = thing["state"].replace("_", " ")
        return f"{thing['exception_id']}, delivery to {thing['target']}: {state}{reason}{about}"
    codes = ", ".join(dict.fromkeys(each["code"] for each in thing["findings"]))
    return f"{thing['exception_id']}, {place(thing)} [{codes}]{about}"


def _which(found: dict[str, Any], things: list[dict[str, Any]]) -> str:
    number, orders = found["order"], len(found["order_keys"])
    if orders > 1:
        told = f"number {number} means {orders} orders ({', '.join(found['order_keys'])})"
    elif len(things) == 1:
        told = f"what there is of order {number} is, or may be, about other orders, too"
    else:
        told = f"there are {counted(len(things), 'thing')} of order {number}"
    return f"{told}; say which you mean by its id. Nothing was changed"


def _nothing(found: dict[str, Any]) -> str:
    number = found["order"]
    told = [f"nothing of order {number} ({', '.join(found['order_keys'])}) is parked"]
    told += [f"{each['exception_id']}: {each['text']}" for each in found["closed"]]
    told += [f"{_line(each)}: {_why_not(each)}" for each in found["unfinished"]]
    told.append(f"legacy-bridge explain {number} tells the rest")
    return "\n".join(told)


def _why_not(thing: dict[str, Any]) -> str:
    if thing["is_placed"]:
        return "the supplier has the order already; there it is only created"
    return "it waits for no person; its id closes it all the same"
