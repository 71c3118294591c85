"""What to try while the demo is kept running: commands that work as they stand. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gateway.demo.demo_report import command_name, heading


def instructions(folder: Path, address: str, told: Sequence[str]) -> list[str]:
    """Give the addresses, and commands to copy."""
    command = command_name()
    return [
        *heading("It keeps running. Where"),
        f"gateway        {address}",
        *told,
        f"folder         {folder} (its log: demo.log)",
        *heading("What to try, in another terminal"),
        f"cd {folder}",
        "",
        "# an order of your own, over mTLS; the answer carries the ERP's number",
        "sed s/P-20017/P-30001/ fixtures/demo/portal_order.json |",
        "  curl --cacert certs/ca.pem --cert certs/portal.pem --key certs/portal.key \\",
        "  -H 'Content-Type: application/json' -H 'Idempotency-Key: try-1' \\",
        f"  --data-binary @- {address}/v1/documents/purchase_order",
        "",
        "# the story of an order: who sent it, who owns it, every attempt",
        f"{command} explain 410021",
        "",
        "# what waits for a person, and the call sheet for orders to place by phone",
        f"{command} exceptions list",
        f"{command} exceptions export --downtime",
        "",
        "# move a route; it holds at once, for new orders only",
        f'{command} routes set po.metro cloud --why "trying it out"',
        f"{command} routes diff",
        "",
        "Ctrl-C ends it and removes the folder.",
    ]
