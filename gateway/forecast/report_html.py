"""A plan as one HTML file that needs nothing else: no script, no font, no picture from anywhere. Pure.

Everything that came from a partner or a file is escaped, and a policy in the head forbids the page to load
or run anything, should that ever fail.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape

from gateway.forecast.changes import Kind
from gateway.forecast.pictures import kinds_picture, sides_picture
from gateway.forecast.result import Changed, Plan

CHANGED_MAX = 1_000  # messages in the list at the end; JSON has all

_STYLE = """
body{font:15px/1.45 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c2330}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}
table{border-collapse:collapse;width:100%;margin:.5rem 0}
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #d9dde5;vertical-align:top}
td.number{text-align:right;font-variant-numeric:tabular-nums}
code{font:13px/1.4 ui-monospace,monospace;overflow-wrap:anywhere}
svg{max-width:100%;height:auto;font:12px system-ui,sans-serif}svg text{fill:#1c2330}
.note{color:#55607a}details{margin:.25rem 0}summary{cursor:pointer}
@media print{details{display:block}}
"""

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def plan_page(plan: Plan) -> str:
    """Give the page."""
    return "".join(_page(plan)) + "\n"


def _page(plan: Plan) -> Iterator[str]:
    yield '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    yield '<meta name="viewport" content="width=device-width"><title>legacy-bridge plan</title>'
    yield f"<style>{_STYLE}</style></head><body><h1>{escape(_headline(plan))}</h1>"
    yield (
        f"<p>{plan.messages} recorded messages from {plan.since:%Y-%m-%d %H:%M} to "
        f"{plan.until:%Y-%m-%d %H:%M} UTC, run under {escape(plan.before)} and under {escape(plan.after)}. "
        "Nothing was sent.</p>"
    )
    yield f"<h2>Where documents go</h2>{sides_picture(plan)}"
    yield f"<h2>What changes</h2>{kinds_picture(plan)}"
    yield _table(
        ("Route", "Messages", "Change", *(kind.value.capitalize() for kind in Kind)),
        (
            (name, count.messages, count.changed, *(count.by_kind[kind] for kind in Kind))
            for name, count in plan.routes.items()
        ),
    )
    for kind in Kind:
        yield from _groups(plan, kind)
    yield from _changed(plan.changed)
    yield "<h2>Read this, too</h2><ul>"
    yield from (f'<li class="note">{escape(each)}</li>' for each in plan.notes)
    yield "</ul></body></html>"


def _headline(plan: Plan) -> str:
    if not plan.messages:
        return "No recorded traffic: nothing was compared"
    if not plan.changed:
        return f"None of {plan.messages} messages would change"
    return f"{len(plan.changed)} of {plan.messages} messages would change"


def _groups(plan: Plan, kind: Kind) -> Iterator[str]:
    found = [each for each in plan.groups if each.kind is kind]
    if not found:
        return
    yield f"<h2>{kind.value.capitalize()}</h2>"
    yield _table(
        ("Route", "Messages", "Difference", "For example"),
        ((each.route, each.messages, each.what, ", ".join(each.examples)) for each in found),
    )


def _changed(changed: Sequence[Changed]) -> Iterator[str]:
    if not changed:
        return
    yield "<h2>Message by message</h2>"
    for each in changed[:CHANGED_MAX]:
        kinds = ", ".join(kind.value for kind in Kind if kind in each.kinds)
        line = f"{each.message_id} {each.route} {each.name} ({kinds})"
        yield f"<details><summary><code>{escape(line)}</code></summary>"
        yield _table(
            ("What", "Set", "Where", "Now", "Then"),
            ((one.kind.value, one.part, one.at, one.before, one.after) for one in each.changes),
        )
        yield "</details>"
    if len(changed) > CHANGED_MAX:
        yield f'<p class="note">and {len(changed) - CHANGED_MAX} more; the JSON has them all</p>'


def _table(headings: Sequence[str], rows: Iterable[Sequence[str | int]]) -> str:
    head = "".join(f"<th>{escape(each)}</th>" for each in headings)
    body = "".join(f"<tr>{''.join(_cell(each) for each in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(value: str | int) -> str:
    if isinstance(value, int):
        return f'<td class="number">{value}</td>'
    return f"<td><code>{escape(value)}</code></td>"
