"""JWT bearer and client assertions, judged by a token endpoint that checks them as RFC 7523 says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc import jwt
from joserfc.jwk import RSAKey
from pydantic import ValidationError

from gateway.security.assertions import CLIENT_TYPE, SigningError, signed_assertion
from gateway.security.oauth2 import TokenError, TokenSource
from gateway.security.secrets import SecretStore
from gateway.security.settings import AssertionSettings, OAuth2Settings, TlsSettings
from gateway.security.tls import ClientTls
from simulators.cloud_erp.base.access import AccessRules
from simulators.cloud_erp.base.erp import Behaviour
from simulators.cloud_erp.oracle_fusion import OracleFusion
from simulators.serving import Serving
from tests.gateway.support import RealClock, SeededRng

AT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def pair() -> tuple[str, str]:
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private.decode(), public.decode()


@pytest.fixture
def keys(pair: tuple[str, str], tmp_path: Path) -> Path:
    (tmp_path / "bridge.key").write_text(pair[0])
    return tmp_path


def settings(url: str, **values: Any) -> OAuth2Settings:
    assertion = {
        "issuer": "bridge",
        "subject": "scm.user",
        "audience": "https://identity/",
        "key": "file:bridge.key",
    }
    plain = {"token_url": url, "plaintext": True, "client_id": "bridge", "assertion": assertion}
    return OAuth2Settings.model_validate({**plain, "grant": "jwt_bearer", "authenticate": "none", **values})


def source(made: OAuth2Settings, folder: Path) -> TokenSource:
    secret = SecretStore(folder)
    clock = RealClock()
    tls = ClientTls(TlsSettings(), secret, clock)
    return TokenSource(made, clock=clock, rng=SeededRng(), secret=secret, tls=tls)


@pytest.fixture
async def pod(pair: tuple[str, str]) -> AsyncIterator[OracleFusion]:
    access = AccessRules(assertion_keys={"bridge": pair[1]}, audience="https://identity/")
    async with OracleFusion(Behaviour(access=access)) as running:
        assert isinstance(running, OracleFusion)
        yield running


async def test_an_assertion_for_a_user_gets_a_token_and_each_token_has_one_of_its_own(
    pod: OracleFusion, keys: Path
) -> None:
    tokens = source(settings(f"{pod.url}/oauth2/v1/token"), keys)
    first = await tokens.token()
    tokens.invalidate(first)

    assert await tokens.token() != first
    assert pod.access.tokens_given == 2
    await tokens.close()


async def test_an_assertion_of_another_key_is_refused_as_a_credential(pod: OracleFusion, keys: Path) -> None:
    other = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    pem = other.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (keys / "bridge.key").write_bytes(pem)
    tokens = source(settings(f"{pod.url}/oauth2/v1/token"), keys)

    with pytest.raises(TokenError, match="refuses our credentials") as refused:
        await tokens.token()
    assert refused.value.kind == "credential"
    await tokens.close()


async def test_a_client_can_prove_itself_by_a_signed_assertion_in_place_of_a_secret(
    pair: tuple[str, str], keys: Path
) -> None:
    forms: list[dict[str, str]] = []

    async def give(request: web.Request) -> web.Response:
        forms.append({name: str(text) for name, text in (await request.post()).items()})
        return web.json_response({"access_token": "t", "expires_in": 60})

    app = web.Application()
    app.router.add_post("/token", give)
    serving = Serving(app)
    await serving.start()
    url = f"{serving.url}/token"
    tokens = source(settings(url, grant="client_credentials", authenticate="assertion"), keys)
    assert await tokens.token() == "t"
    await tokens.close()
    await serving.stop()

    (form,) = forms
    assert form["grant_type"] == "client_credentials"
    assert (form["client_assertion_type"], form["client_id"]) == (CLIENT_TYPE, "bridge")
    claims = jwt.decode(form["client_assertion"], RSAKey.import_key(pair[1]), algorithms=["RS256"]).claims
    assert (claims["iss"], claims["sub"]) == ("bridge", "bridge")


def test_an_assertion_says_who_for_whom_to_whom_and_until_when(pair: tuple[str, str]) -> None:
    made = AssertionSettings(
        issuer="bridge",
        key="env:KEY",
        key_id="k1",
        certificate_hash="abc",
        principal_claim="prn",
        lifetime_s=60,
    )
    text = signed_assertion(made, pair[0], "https://token", "scm.user", AT, "one")
    token = jwt.decode(text, RSAKey.import_key(pair[1]), algorithms=["RS256"])

    begins = int(AT.timestamp())
    assert token.header == {"alg": "RS256", "typ": "JWT", "kid": "k1", "x5t": "abc"}
    assert token.claims == {
        "iss": "bridge",
        "sub": "scm.user",
        "prn": "scm.user",
        "aud": "https://token",
        "jti": "one",
        "iat": begins,
        "exp": begins + 60,
    }


def test_a_key_that_is_none_is_told_without_showing_it() -> None:
    made = AssertionSettings(issuer="bridge", key="env:KEY")
    with pytest.raises(SigningError) as refused:
        signed_assertion(made, "s3cret", "https://token", "bridge", AT, "one")
    assert "env:KEY" in str(refused.value)
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    "values",
    [
        {"assertion": None},
        {"grant": "client_credentials"},
        {"grant": "client_credentials", "authenticate": "basic"},
    ],
)
def test_a_grant_without_its_proof_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        settings("https://token", **values)
