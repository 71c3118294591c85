"""What to try while the demo is kept running: commands that work as they stand. Decides nothing."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from gateway.commands.layout import line
from gateway.demo.demo_ground import WIDTH
from gateway.demo.demo_report import heading

COMMAND = "legacy-bridge"


def instructions(folder: Path, address: str, told: Sequence[str]) -> list[str]:
    """Give the addresses, and commands to copy."""
    return [
        *heading("It keeps running. Where"),
        f"gateway        {address}",
        *(part for each in told for part in line(each, WIDTH)),
        f"folder         {folder} (its log: demo.log)",
        *heading("What to try, in another terminal"),
        f"cd {folder}",
        *_path(),
        "",
        "# an order of your own, over mTLS; the answer carries the ERP's number",
        "sed s/P-20017/P-30001/ fixtures/demo/portal_order.json |",
        "  curl --cacert certs/ca.pem --cert certs/portal.pem --key certs/portal.key \\",
        "  -H 'Content-Type: application/json' -H 'Idempotency-Key: try-1' \\",
        f"  --data-binary @- '{address}/v1/documents/purchase_order?route=po.portal'",
        "",
        "# the story of an order: who sent it, who owns it, every attempt",
        f"{COMMAND} explain 410021",
        "",
        "# what waits for a person, and the call sheet for orders to place by phone",
        f"{COMMAND} exceptions list",
        f"{COMMAND} exceptions export --downtime --all",
        "",
        "# move a route; it holds at once, for new orders only",
        f'{COMMAND} routes set po.metro cloud --why "trying it out"',
        f"{COMMAND} routes diff",
        "",
        "Ctrl-C ends it and removes the folder.",
    ]


def _path() -> list[str]:
    """Say how the shell finds the command, where it does not by itself."""
    if shutil.which(COMMAND):
        return []
    return [f"PATH={Path(sys.argv[0]).absolute().parent}:$PATH"]
