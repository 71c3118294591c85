"""`legacy-bridge x12`: show a partner's guide, and find out which overrides a new partner needs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from adapters.base.commands import CommandError, Desk, Subparsers
from adapters.edi_x12.config import NO_PARTNER, X12Partner

EXAMPLE = """\
legacy-bridge x12 guide show 850
legacy-bridge x12 guide show 855 --partner acme -c routes.yaml
legacy-bridge x12 guide check samples/*.edi"""
FILE_BYTES_MAX = 64 * 1024 * 1024

CHECK_DETAIL = """\
Reads the files with our guides, or with a partner's profile, and works out
what the profile would have to allow: longer elements, further codes, more
repeats, segments of their own. Prints the part of routes.yaml that says so,
and what no override can answer. Ends with 1 where something is left."""


def add(subparsers: Subparsers, desk: Desk) -> None:
    """Add the commands."""
    x12 = desk.group(subparsers, "x12", "show and check guides of X12 sets", example=EXAMPLE)
    guide = desk.group(x12, "guide", "show a guide, or infer a partner's", example=EXAMPLE)
    show = desk.command(
        guide,
        "show",
        "print the guide of a set as a page",
        run_show,
        example="\n".join(EXAMPLE.splitlines()[:2]),
    )
    show.add_argument("set", metavar="SET", help="the set: 850, 855, 810 ...")
    show.add_argument("--segment", metavar="ID", help="only this segment, with its elements")
    _add_profile(show, desk)
    check = desk.command(
        guide,
        "check",
        "infer from sample files which overrides a partner needs",
        run_check,
        example=f"{EXAMPLE.splitlines()[2]}\nlegacy-bridge x12 guide check new.850 --partner acme",
        detail=CHECK_DETAIL,
    )
    check.add_argument("files", metavar="FILE", nargs="+", help="X12 files that the partner sent")
    _add_profile(check, desk)


def _add_profile(parser: argparse.ArgumentParser, desk: Desk) -> None:
    parser.add_argument(
        "--partner", metavar="NAME", help="a partner of the configuration, whose profile holds"
    )
    parser.add_argument("--release", metavar="V", help="004010 or 005010 (default: the partner's)")
    desk.add_configuration(parser)
    desk.add_json(parser)


def run_show(arguments: argparse.Namespace, desk: Desk) -> int:
    """Print a guide."""
    from adapters.edi_x12.guide import VERSIONS, guide_for
    from adapters.edi_x12.guide_loader import guide_names

    partner = _profile(arguments, desk)
    version = arguments.release or partner.version
    guide = guide_for(arguments.set, version, partner)
    if guide is None:
        known = f"{', '.join(sorted(guide_names()))}, in {', '.join(VERSIONS)}"
        raise CommandError(f"there is no guide for set '{arguments.set}' in {version}; there are {known}")
    if arguments.segment is not None and arguments.segment not in guide.shapes:
        known = ", ".join(sorted(guide.shapes))
        raise CommandError(f"a {arguments.set} has no segment '{arguments.segment}'; it has {known}")
    if arguments.json:
        desk.print_json(_as_json(guide, arguments.segment))
        return 0
    _print_page(desk, guide, partner, arguments)
    return 0


def _print_page(desk: Desk, guide: Any, partner: X12Partner, arguments: argparse.Namespace) -> None:
    from adapters.edi_x12 import guide_page
    from adapters.edi_x12.guide_loader import guide_file

    names = [arguments.segment] if arguments.segment else sorted(guide.shapes)
    if arguments.segment is None:
        ours = guide_file(guide.set_type)
        whose = f", as {arguments.partner} uses it" if arguments.partner else ""
        desk.print_text(f"{guide.set_type} {ours['name']}, {guide.version}{whose}", "")
        changed = guide_page.changes(guide.set_type, partner)
        for line in changed:
            desk.print_wrapped(f"changed: {line}", "", "  ")
        if changed:
            desk.print_text("")
        rows = [
            (each.place, each.usage, each.repeats, each.read) for each in guide_page.structure_rows(guide)
        ]
        desk.print_table(("PLACE", "USE", "TIMES", "IN THE DOCUMENT"), rows)
        desk.print_text("")
    for name in names:
        desk.print_text(name)
        for line in guide_page.segment_lines(guide.shapes[name]):
            desk.print_wrapped(line, "  ", " " * 15)


def _as_json(guide: Any, segment: str | None) -> dict[str, Any]:
    from adapters.edi_x12 import guide_page

    names = [segment] if segment else sorted(guide.shapes)
    return {
        "set": guide.set_type,
        "version": guide.version,
        "structure": [
            {"place": each.place.strip(), "usage": each.usage, "repeats": each.repeats, "document": each.read}
            for each in guide_page.structure_rows(guide)
        ],
        "segments": {name: list(guide_page.segment_lines(guide.shapes[name])) for name in names},
    }


def run_check(arguments: argparse.Namespace, desk: Desk) -> int:
    """Infer overrides from files."""
    from adapters.edi_x12.guide_infer import infer

    partner = _profile(arguments, desk)
    if arguments.release:
        partner = partner.model_copy(update={"version": arguments.release})
    found = infer([(name, _read(name)) for name in arguments.files], partner, arguments.partner or "NAME")
    if not found.sets:
        raise CommandError("no transaction set was found in these files; expected X12 with ST and SE")
    if arguments.json:
        desk.print_json(
            {
                "sets": found.sets,
                "profile": _changed(found.profile, partner),
                "reasons": found.reasons,
                "left": [each.to_json() for each in found.left],
            }
        )
        return 1 if found.left else 0
    counted = ", ".join(f"{count} x {name}" for name, count in sorted(found.sets.items()))
    desk.print_verbatim(f"# read: {counted}")
    desk.print_verbatim(*_yaml(_changed(found.profile, partner), found.ids, arguments.partner or "NAME"))
    for reason in found.reasons:
        desk.print_wrapped(f"# {reason}", "", "#   ")
    if found.tolerances:
        desk.print_wrapped(f"# tolerated in envelopes: {', '.join(sorted(found.tolerances))}", "", "#   ")
    if not found.reasons:
        desk.print_verbatim("# no override is needed")
    sys.stdout.flush()  # what follows goes to stderr, and must not overtake it
    desk.print_findings(found.left)
    if found.left:
        desk.say("what is above no override can answer: a person must talk to the partner")
    return 1 if found.left else 0


def _changed(profile: X12Partner, base: X12Partner) -> dict[str, Any]:
    """Give the guides that were inferred, as routes.yaml writes them."""
    return {
        kind: override.model_dump(exclude_defaults=True)
        for kind, override in profile.guides.items()
        if override != base.guides.get(kind)
    }


def _yaml(guides: dict[str, Any], ids: list[tuple[str, str]], name: str) -> Iterable[str]:
    """Give the part of routes.yaml, in its own flow style: one line for each override."""
    yield "partners:"
    yield f"  {name}:"
    yield "    edi_x12:"
    known = ", ".join(f'{{qualifier: "{qualifier}", id: "{id_}"}}' for qualifier, id_ in ids)
    yield f"      isa: [{known}]"
    if not guides:
        return
    yield "      guides:"
    for kind, override in guides.items():
        yield f'        "{kind}":'
        for part, entries in override.items():
            yield f"          {part}:"
            for key, value in entries.items():
                text = ", ".join(f'"{each}"' for each in value) if isinstance(value, list | tuple) else value
                yield f'            "{key}": ' + (
                    f"[{text}]" if isinstance(value, list | tuple) else f'"{text}"'
                )


def _read(name: str) -> bytes:
    try:
        with Path(name).open("rb") as file:
            body = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise CommandError(f"{name}: cannot be read ({error.strerror or error})") from error
    if len(body) > FILE_BYTES_MAX:
        raise CommandError(f"{name}: is larger than {FILE_BYTES_MAX} bytes; a sample is enough")
    return body


def _profile(arguments: argparse.Namespace, desk: Desk) -> X12Partner:
    if arguments.partner is None:
        return NO_PARTNER
    settings = desk.partner(arguments.config, arguments.partner, "edi_x12").settings
    return settings if isinstance(settings, X12Partner) else NO_PARTNER
