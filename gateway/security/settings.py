"""Settings of TLS and OAuth2, as they stand in routes.yaml. Secrets are references, never values."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

REFERENCE_PATTERN = r"^(?:env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$"

SecretReference = Annotated[str, StringConstraints(pattern=REFERENCE_PATTERN)]
"""Where a secret stands: `env:NAME` or `file:PATH`; PATH is relative to the configuration file."""


class Settings(BaseModel):
    """The base of settings: frozen, nothing unknown let in."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class TlsSettings(Settings):
    """Certificates of one side of a connection, each the reference of a PEM text."""

    certificate: SecretReference | None = Field(default=None, description="own certificate, then its chain")
    key: SecretReference | None = Field(
        default=None, description="own private key; default: in `certificate`"
    )
    ca: SecretReference | None = Field(
        default=None, description="who may sign the other side; default for clients: the system's list"
    )

    @model_validator(mode="after")
    def _key_needs_certificate(self) -> Self:
        if self.key is not None and self.certificate is None:
            raise ValueError("a key needs a certificate beside it")
        return self


class AssertionSettings(Settings):
    """A JWT that we sign (RFC 7523)."""

    issuer: str = Field(description="`iss`: the client id, as the provider knows us")
    subject: str = Field(
        default="", description="`sub`: the user for whom we ask (jwt_bearer); default: the issuer"
    )
    audience: str = Field(default="", description="`aud`; default: the token endpoint")
    key: SecretReference = Field(description="RSA private key in PEM, by reference")
    key_id: str = Field(default="", description="`kid` of the header, where the provider asks for one")
    certificate_hash: str = Field(
        default="", description="`x5t` of the header: the certificate's SHA-1 in base64url (RFC 7515 4.1.7)"
    )
    principal_claim: str = Field(
        default="", description="a further claim with the subject; Oracle identity domains know `prn`"
    )
    lifetime_s: float = Field(default=120.0, ge=10, le=3_600, description="from `iat` to `exp`")


class OAuth2Settings(Settings):
    """A token endpoint: client credentials (RFC 6749, section 4.4) or a JWT for a user (RFC 7523)."""

    grant: Literal["client_credentials", "jwt_bearer"] = Field(
        default="client_credentials", description="jwt_bearer sends a signed assertion for a user"
    )

    token_url: str = Field(description="https address of the token endpoint")
    client_id: SecretReference | str = Field(description="the id itself, or its reference")
    client_secret: SecretReference | None = None
    assertion: AssertionSettings | None = Field(
        default=None, description="for grant jwt_bearer, and for authenticate: assertion"
    )
    scope: str = ""
    audience: str = Field(default="", description="sent as `audience` where the provider asks for one")
    authenticate: Literal["basic", "body", "assertion", "none"] = Field(
        default="basic",
        description="id and secret in the Authorization header or in the form; a signed assertion in the "
        "secret's place; or the id alone, where the grant is proof enough",
    )
    refresh_before_s: float = Field(
        default=60.0, ge=0, description="a token is renewed this long before its end"
    )
    timeout_s: float = Field(default=5.0, gt=0, le=60, description="for one request to the token endpoint")
    attempts_max: int = Field(default=3, ge=1, le=10)
    plaintext: bool = Field(default=False, description="allow http:// (rehearsals on one machine only)")

    @model_validator(mode="after")
    def _token_url_is_safe(self) -> Self:
        if not self.token_url.startswith("https://") and not (
            self.plaintext and self.token_url.startswith("http://")
        ):
            raise ValueError("token_url must begin with https://")
        return self

    @model_validator(mode="after")
    def _proof_is_there(self) -> Self:
        if self.authenticate in ("basic", "body") and self.client_secret is None:
            raise ValueError(f"authenticate: {self.authenticate} needs client_secret")
        needs_key = self.grant == "jwt_bearer" or self.authenticate == "assertion"
        if needs_key and self.assertion is None:
            raise ValueError("grant: jwt_bearer and authenticate: assertion need `assertion`")
        if self.grant == "client_credentials" and self.authenticate == "none":
            raise ValueError("client_credentials without any proof of the client is no grant")
        return self
