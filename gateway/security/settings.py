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


class OAuth2Settings(Settings):
    """Client credentials of RFC 6749, section 4.4."""

    token_url: str = Field(description="https address of the token endpoint")
    client_id: SecretReference | str = Field(description="the id itself, or its reference")
    client_secret: SecretReference
    scope: str = ""
    audience: str = Field(default="", description="sent as `audience` where the provider asks for one")
    authenticate: Literal["basic", "body"] = Field(
        default="basic", description="where id and secret stand: in the Authorization header or in the form"
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
