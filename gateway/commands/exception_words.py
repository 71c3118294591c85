"""An exception in words: what it is, what was found, what went on all the same, and what a retry can do."""

from __future__ import annotations

from typing import Any

from gateway.commands.terminal import moment, print_wrapped

LEGACY_GETS_ALL = ("legacy", "shadow")  # the stages in which bytes go on whatever is found

DONE = {
    "translate": "its message is translated again",
    "deliver": "it is sent again",
    "look up": "it is looked up at its target first, since it may be there",
    "move": "the move is begun again, with what is there now",
}


def kind(word: str) -> str:
    """Give a kind of exception with its article."""
    words = {"acknowledgment": "a missing acknowledgment", "move": "a move that never began"}
    return words.get(word, f"a {word}")


def place(item: dict[str, Any]) -> str:
    """Say what is parked, and where."""
    target = f" to {item['target']}" if item["target"] else ""
    if item["kind"] == "move":
        target = f" of {', '.join(item['order_keys'])}"
    name = f", {item['name']}" if item.get("name") else ""  # none from a gateway of an older version
    return f"{kind(item['kind'])[2:]}{target} on route {item['route']}{name}"


def print_reasons(item: dict[str, Any]) -> None:
    """Print why it is parked, and what has happened of it all the same."""
    for each in item["findings"]:
        at = each["at"].get("path", "")
        text = f"{at}: {each['text']} [{each['code']}]" if at else f"{each['text']} [{each['code']}]"
        print_wrapped(text, indent="    ", hanging="      ")
    for each in item.get("went_on", ()):
        print_wrapped(_went_on(each), indent="    ", hanging="      ")
    if item.get("came_of"):
        print_wrapped(_came_of(item["came_of"]), indent="    ", hanging="      ")


def _went_on(delivery: dict[str, Any]) -> str:
    number = f" (as {delivery['target_reference']})" if delivery["target_reference"] else ""
    if delivery["state"] == "done":
        return f"{delivery['target']} has it all the same{number}: it went on as received"
    state = delivery["state"].replace("_", " ")
    return f"it goes on to {delivery['target']} all the same, as received ({state})"


def _came_of(entry: dict[str, Any]) -> str:
    done = "retried" if entry["action"] == "exceptions.retry" else "had translated again"
    return f"parked since {entry['who']} {done} {entry['subject']} at {moment(entry['at'])}: {entry['why']}"


def taken_up(done: dict[str, Any]) -> str:
    """Say what a retry does."""
    what = DONE.get(done["done"], done["done"])
    if done.get("is_undecided"):
        what = "it is taken up again"
    return f"{done['exception_id']}: {what}"


def advice(done: dict[str, Any]) -> list[str]:
    """Say what to expect of a retry, and what to do where it cannot decide."""
    name, told = done["exception_id"], []
    if done.get("is_undecided"):  # a gateway of an older version says nothing of these
        return [_undecided(done)]
    if done.get("is_conflict") and done["stage"] in LEGACY_GETS_ALL:
        told.append(
            f"Route {done['route']} is in stage {done['stage']}: the legacy system gets these bytes as they "
            "are, whatever is parked of them."
        )
    if done.get("kind") == "message":
        told.append(
            f"What of it cannot be used is parked anew, set by set: the first set as {name}/0. See "
            f"legacy-bridge exceptions list, or legacy-bridge explain {name}."
        )
    return told


def _undecided(done: dict[str, Any]) -> str:
    name = done["exception_id"]
    return (
        f"A retry cannot decide this: {done['target']} cannot be looked up, so it is parked again, unless "
        f"its settings say otherwise by now. Ask whoever runs {done['target']} whether it has the reference "
        f"that the exception names. If it has: legacy-bridge exceptions resolve {name} --done-elsewhere REF "
        f"--why TEXT. If not: legacy-bridge messages replay {done['message_id']} --resend --why TEXT, then "
        f"legacy-bridge exceptions resolve {name} --dismiss --why TEXT, since what is sent again waits "
        "behind it."
    )
