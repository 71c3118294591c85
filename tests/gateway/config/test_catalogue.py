from __future__ import annotations

from adapters.base.registry import Adapter
from gateway.config.catalogue import catalogue_of
from gateway.erp.generic_rest_settings import GenericRestSettings
from gateway.erp.kinds import erp_kinds
from gateway.erp.settings import LimitSettings, RawHttpSettings
from tests.gateway.config.sample import X12, Files, FilesFrom, Rest, X12Settings, changed, configured


def test_erp_kinds_are_found_by_their_file_with_the_model_of_their_settings() -> None:
    kinds = erp_kinds()

    assert kinds["generic_rest"].settings is GenericRestSettings
    assert kinds["raw_http"].settings is RawHttpSettings
    assert "http" not in kinds
    settings = RawHttpSettings(base="https://mms.example")
    assert hasattr(kinds["raw_http"].target("mms", settings), "next_request")


def test_a_kind_offers_what_its_adapter_has() -> None:
    folder = Adapter("files", "files", endpoint=Files, source_settings=FilesFrom, identities=("name",))
    x12 = Adapter("x12", "X12", partner=X12, format_settings=X12Settings)

    catalogue = catalogue_of({"files": folder, "x12": x12}, erp_kinds())

    assert catalogue.kinds["files"].settings is Files
    assert not catalogue.kinds["files"].can_receive
    assert catalogue.kinds["generic_rest"].can_send
    assert not catalogue.kinds["generic_rest"].can_receive
    assert "x12" not in catalogue.kinds
    assert catalogue.formats == {}
    assert catalogue.partners == {"x12": X12}


def test_limits_are_an_endpoints_own_whatever_its_kind() -> None:
    text = changed('base: "http://127.0.0.1:9"', "base: x, limits: {concurrent: 3}")

    assert configured(text).endpoints["erp"].limits == LimitSettings(concurrent=3)
    assert configured(text).endpoints["erp"].settings == Rest(base="x")
    assert configured().endpoints["in"].limits == LimitSettings()
