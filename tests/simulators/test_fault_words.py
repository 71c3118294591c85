"""What `error` of a fault script may say, at each simulated cloud ERP; docs/erp.md lists it."""

from __future__ import annotations

import json
from pathlib import Path

import aiohttp
import pytest

from simulators.cloud_erp.base.erp import SimulatedErp
from simulators.cloud_erp.dynamics365 import Dynamics365
from simulators.cloud_erp.oracle_fusion import OracleFusion
from simulators.cloud_erp.sap_s4hana import SapS4Hana
from simulators.faults import Action, FaultScript, FaultScriptError

ERPS = (Dynamics365, OracleFusion, SapS4Hana)
NONSENSE = json.dumps([{"action": "business_error", "error": "nonsense"}])
PAGE = (Path(__file__).parents[2] / "docs" / "erp.md").read_text()


@pytest.mark.parametrize("erp", ERPS)
async def test_an_error_that_an_erp_does_not_know_is_refused_with_those_that_it_does(
    erp: type[SimulatedErp],
) -> None:
    with pytest.raises(FaultScriptError, match=r"'nonsense' is not known here; there are: .*item"):
        erp(faults=FaultScript.from_json(NONSENSE))
    async with (
        erp() as running,
        aiohttp.ClientSession() as session,
        session.post(f"{running.url}/_faults", data=NONSENSE) as reply,
    ):
        assert (reply.status, running.faults.faults) == (400, ())


@pytest.mark.parametrize("word", [*Action, *sorted({word for erp in ERPS for word in erp.errors})])
def test_the_page_names_every_action_and_every_error(word: str) -> None:
    assert f"`{word}`" in PAGE
