"""``test``: the tests that stand in a configuration, run offline."""

from __future__ import annotations

import argparse
import asyncio
import time
from pathlib import Path
from typing import Any

from gateway.commands.configuration import loaded
from gateway.commands.errors import CommandError
from gateway.commands.options import Subparsers, add_command, add_configuration, add_json
from gateway.commands.terminal import counted, print_json, print_text, print_wrapped
from gateway.config import Configuration

EXAMPLE = """\
legacy-bridge test
legacy-bridge test -c hospital/routes.yaml --route po.acme"""

DETAIL = """\
Each test of a route feeds the files under `given` through the real pipeline, in
memory, and compares what comes of them with `expect`. Nothing is contacted,
nothing is kept, and time stands still, so it ends the same way every time. An
order that is given to a route that follows another one arrives by that one.
Ends with 1 where a test fails."""


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = add_command(
        subparsers,
        "test",
        "run the tests that stand in a configuration",
        run,
        example=EXAMPLE,
        detail=DETAIL,
    )
    parser.add_argument("--route", metavar="ROUTE", help="only the tests of this route")
    add_configuration(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run all tests, or those of one route."""
    configuration = loaded(arguments.config)
    names = list(configuration.routes)
    if arguments.route is not None and arguments.route not in names:
        raise CommandError(f"there is no route '{arguments.route}'; there are: {', '.join(names)}")
    began = time.perf_counter()
    results = [
        _result(configuration, name, number)
        for name in ([arguments.route] if arguments.route is not None else names)
        for number in range(len(configuration.routes[name].tests))
    ]
    failed = [each for each in results if each["differences"]]
    if arguments.json:
        print_json(results)
    else:
        for each in results:
            _print(each)
        untested = [name for name in names if not configuration.routes[name].tests]
        if untested and arguments.route is None:
            print_wrapped(f"without a test: {', '.join(untested)}", hanging="    ")
        passed = f"{len(results) - len(failed)} of {counted(len(results), 'test')} passed"
        print_text(f"{passed} in {time.perf_counter() - began:.1f} s")
    return 1 if failed else 0


def _result(configuration: Configuration, name: str, number: int) -> dict[str, Any]:
    """Run one test; a file that cannot be read is a difference like any other."""
    from gateway.app import format_by_name
    from gateway.operations.expectations import differences
    from gateway.operations.route_tests import observe

    route = configuration.routes[name]
    test = route.tests[number]
    expect = test.expect
    try:
        observed = asyncio.run(observe(configuration, route, test, format_by_name))
        found = differences(expect, observed, _content(expect.document), _content(expect.acknowledgment))
    except OSError as error:
        found = [f"{error.filename}: cannot be read ({error.strerror})"]
    at = configuration.places.at("routes", name, "tests", number)
    return {
        "route": name,
        "test": number + 1,
        "at": {"source": at.source, "line": at.line, "column": at.column},
        "given": [Path(each).name for each in test.given],
        "differences": found,
    }


def _content(name: str | None) -> bytes | None:
    return Path(name).read_bytes() if name is not None else None


def _print(result: dict[str, Any]) -> None:
    word = "FAILED" if result["differences"] else "ok"
    at = result["at"]
    place = f"{at['source']}:{at['line']}"
    print_wrapped(f"{word:<7} {result['route']} {result['test']}: {', '.join(result['given'])} ({place})")
    for each in result["differences"]:
        print_wrapped(each, indent="        ", hanging="          ")
