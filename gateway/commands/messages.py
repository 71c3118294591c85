"""``messages``: what arrived, what came of it, and translating it again."""

from __future__ import annotations

import argparse
from typing import Any

from gateway.commands.connection import ask
from gateway.commands.errors import CommandError
from gateway.commands.next_command import next_command
from gateway.commands.options import (
    LIMIT,
    Subparsers,
    add_change,
    add_command,
    add_connection,
    add_group,
    add_reading,
    require_why,
)
from gateway.commands.terminal import (
    moment,
    print_json,
    print_table,
    print_text,
    print_wrapped,
    say,
)

EXAMPLE = """\
legacy-bridge messages list --route po.acme --state parked
legacy-bridge messages show m260102abcdefghijklmnop
legacy-bridge messages replay m260102abcdefghijklmnop --why "table mended"
legacy-bridge explain m260102abcdefghijklmnop"""

REPLAY_DETAIL = """\
Its documents are decided and planned anew. What was attempted before stays as
it is and is not sent again, unless --resend says so."""

STATES = ("accepted", "translating", "planned", "parked", "refused")


def add(subparsers: Subparsers) -> None:
    """Add the commands."""
    group = add_group(subparsers, "messages", "show what arrived, and translate it again", example=EXAMPLE)
    listing = add_command(
        group,
        "list",
        "show the newest messages",
        run_list,
        example="legacy-bridge messages list --state parked",
    )
    listing.add_argument("--route", metavar="ROUTE", help="those of one route")
    listing.add_argument("--state", metavar="STATE", action="append", choices=STATES,
                         help=f"those in this state: {', '.join(STATES)}")  # fmt: skip
    listing.add_argument("--limit", metavar="N", type=LIMIT, default=50, help="how many (default: 50)")
    add_reading(listing)
    show = add_command(
        group,
        "show",
        "show one message with its documents and deliveries",
        run_show,
        example="legacy-bridge messages show m260102abcdefghijklmnop --documents",
    )
    show.add_argument("message", metavar="ID", help="the message's id")
    add_documents(show)
    add_reading(show)
    replay = add_command(
        group,
        "replay",
        "translate a message again",
        run_replay,
        example=EXAMPLE.splitlines()[2],
        detail=REPLAY_DETAIL,
    )
    replay.add_argument("message", metavar="ID", help="the message's id")
    replay.add_argument("--resend", action="store_true", help="send again what was attempted before, too")
    add_change(replay)
    add_connection(replay)


def add_documents(parser: argparse.ArgumentParser) -> None:
    """Add the options that show what documents say."""
    parser.add_argument("--documents", action="store_true",
                        help="show the documents, without prices and free text")  # fmt: skip
    parser.add_argument("--unmasked", action="store_true",
                        help="show their free text, too; this is audited and needs --why")  # fmt: skip
    add_change(parser, is_why_required=False)


def run_list(arguments: argparse.Namespace) -> int:
    """Show messages."""
    messages = ask(
        arguments, "messages.list", route=arguments.route, states=arguments.state, limit=arguments.limit
    )
    if arguments.json:
        print_json(messages)
        return 0
    if not messages:
        say("no message is there")
        return 0
    print_messages(messages)
    return 0


def print_messages(messages: list[dict[str, Any]]) -> None:
    """Print messages as a table."""
    rows = [
        (
            each["message_id"],
            moment(each["accepted_at"]),
            each["route"],
            progress_of(each),
            each["origin"]["name"] or each["origin"]["transport"],
        )
        for each in messages
    ]
    print_table(("MESSAGE", "ACCEPTED", "ROUTE", "STATE", "FROM"), rows, fixed=(0, 1))


def progress_of(message: dict[str, Any]) -> str:
    """Give how far a message is; from a gateway of an older version its state."""
    told: str = message.get("progress") or message["state"]
    return told


def run_show(arguments: argparse.Namespace) -> int:
    """Show one message."""
    message = ask(arguments, "messages.show", message=arguments.message)
    documents = documents_of(arguments, [arguments.message])
    if arguments.json:
        print_json(message | ({"contents": documents} if documents is not None else {}))
        return 0
    _print_message(message)
    print_documents(documents)
    return 0


def run_replay(arguments: argparse.Namespace) -> int:
    """Translate one message again."""
    replayed = ask(
        arguments,
        "messages.replay",
        message=arguments.message,
        resend=arguments.resend,
        who=arguments.who,
        why=arguments.why,
    )
    if arguments.json:
        print_json(replayed)
    else:
        print_text(f"{replayed['message_id']} is translated again, as generation {replayed['generation']}")
        for parked in replayed["parked"] if arguments.resend else ():
            dismissal = next_command(arguments, f"exceptions resolve {parked} --dismiss --why ...", "changes")
            print_text(
                f"what is sent again waits behind {parked}, which is parked; once that is not needed: "
                f"{dismissal}"
            )
    return 0


def documents_of(arguments: argparse.Namespace, message_ids: list[str]) -> list[dict[str, Any]] | None:
    """Give what the documents of messages say, None where that was not asked for."""
    if arguments.unmasked:
        require_why(arguments)
        verb, who = "messages.documents_unmasked", {"who": arguments.who, "why": arguments.why}
    elif arguments.documents:
        verb, who = "messages.documents", {}
    elif arguments.why is not None:
        raise CommandError("--why belongs to --unmasked")
    else:
        return None
    return [each for one in message_ids for each in ask(arguments, verb, message=one, **who)]


def print_documents(documents: list[dict[str, Any]] | None) -> None:
    """Print what documents say."""
    for each in documents or ():
        print_text("", f"set {each['index'] + 1}, generation {each['generation']}:")
        if each["document"] is None:
            print_text("  (not translated)")
        else:
            print_json(each["document"])


def _print_message(message: dict[str, Any]) -> None:
    origin = message["origin"]
    print_text(
        f"message   {message['message_id']} ({progress_of(message)})",
        f"route     {message['route']}, configuration revision {message['config_revision']}",
        f"accepted  {moment(message['accepted_at'])} by {origin['transport']}",
    )
    for label, value in (("name", origin["name"]), ("sender", origin["identity"] or message["partner"])):
        if value:
            print_text(f"{label:<9} {value}")
    if message["sha256"]:
        print_text(f"bytes     {message['size_bytes']}", f"sha256    {message['sha256']}")
    if message["repeat_of"]:
        print_text(f"repeats   {message['repeat_of']}")
    _print_findings(message["findings"])
    for document in message["documents"]:
        orders = f", order {', '.join(document['order_keys'])}" if document["order_keys"] else ""
        verdict = document["verdict"].replace("_", " ")
        text = (
            f"set {document['index'] + 1} ({document['set_type']}): {verdict}{orders}; {document['decision']}"
        )
        print_wrapped(f"document  {text}", hanging=" " * 10)
        _print_findings(document["findings"])
    for delivery in message["deliveries"]:
        number = f" as {delivery['target_reference']}" if delivery["target_reference"] else ""
        why = delivery.get("resolution") or delivery["reason"]  # no resolution from an older version
        reason = f"; {why}" if why else ""
        text = f"{delivery['target']} ({delivery['role']}): {delivery['state']}{number}{reason}"
        print_wrapped(f"delivery  {text}", hanging=" " * 10)
        _print_findings(delivery["findings"])


def _print_findings(findings: list[dict[str, Any]]) -> None:
    for each in findings:
        print_wrapped(f"{each['text']} [{each['code']}]", indent=" " * 10)
