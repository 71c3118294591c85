"""What routes.yaml says about WS-Security: what a caller must show, and what we show when we call.

Secrets, keys and certificates are references here; `wsse.verifier` and `wsse_write.seal` resolve them
once. Every mechanism that is declared is required: a caller that may choose is a caller that may leave out.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from adapters.base.settings import Duration, Name, SecretRef, Settings

UserName = Annotated[str, StringConstraints(min_length=1, max_length=128)]
SignedPart = Literal["body", "timestamp", "token", "addressing"]


class TokenUser(Settings):
    """One user that may call, by UsernameToken."""

    name: UserName
    """As it stands in the token."""

    password: SecretRef
    """Where the password is found; a digest can only be checked against the password itself."""

    partner: Name | None = None
    """Whose calls these are, where not the route's partner."""


class Signer(Settings):
    """One certificate that may sign. Two for one partner while it changes its key."""

    certificate: SecretRef
    """The partner's certificate (PEM), pinned: what the message itself brings is not believed."""

    partner: Name | None = None
    """Whose calls these are, where not the route's partner."""


class InboundSecurity(Settings):
    """What a message must carry in its `wsse:Security` header. What is declared here is required."""

    users: tuple[TokenUser, ...] = ()
    """Users of a UsernameToken; none: no token is asked for."""

    password: Literal["digest", "text", "any"] = "digest"  # noqa: S105 - a word, no secret
    """Form of the password. `text` shows it to whoever sees the message: only over TLS."""

    signers: tuple[Signer, ...] = ()
    """Certificates of those who sign; none: no signature is asked for."""

    signed: tuple[SignedPart, ...] = ("body", "timestamp")
    """What the signature must cover. Body and timestamp always are among them: a body under a time that
    anybody can write would live for ever."""

    decryption_key: SecretRef | None = None
    """Our private key (PEM); with it, the body must be encrypted for us."""

    window: Annotated[Duration, Field(ge=timedelta(seconds=1), le=timedelta(hours=24))] = timedelta(minutes=5)
    """How old a message may be, by its Timestamp or its token's Created; it is remembered as long."""

    skew: Annotated[Duration, Field(ge=timedelta(0), le=timedelta(minutes=10))] = timedelta(seconds=60)
    """How far the caller's clock may differ from ours."""

    @model_validator(mode="after")
    def _something_is_required(self) -> Self:
        if not self.users and not self.signers:
            raise ValueError("expected users or signers: encryption alone does not tell who calls")
        if not {"body", "timestamp"} <= set(self.signed):
            raise ValueError("the signature must cover body and timestamp; add them to signed")
        if "token" in self.signed and not self.users:
            raise ValueError("signed names the token, but there are no users")
        names = [user.name for user in self.users]
        if len(set(names)) != len(names):
            raise ValueError("two users have the same name")
        return self


class OutboundToken(Settings):
    """The UsernameToken that we show."""

    user: UserName
    password: SecretRef
    form: Literal["digest", "text"] = "digest"
    """`text` shows the password to whoever sees the message: only over TLS."""


class OutboundSignature(Settings):
    """With what we sign: RSA-SHA256, exclusive canonicalization."""

    certificate: SecretRef
    """Our certificate (PEM); it travels with the message as a BinarySecurityToken."""

    key: SecretRef
    """Our private key (PEM, RSA)."""

    signed: tuple[SignedPart, ...] = ("body", "timestamp")
    """What the signature covers."""

    @model_validator(mode="after")
    def _body_is_signed(self) -> Self:
        if "body" not in self.signed:
            raise ValueError("the signature must cover the body; add 'body' to signed")
        return self


class OutboundSecurity(Settings):
    """What we put into the `wsse:Security` header of what we send, and ask of the answers."""

    token: OutboundToken | None = None
    signature: OutboundSignature | None = None

    encrypt_for: SecretRef | None = None
    """The receiver's certificate (PEM); the body's content is encrypted for it (AES-256-GCM, RSA-OAEP)."""

    lifetime: Annotated[Duration, Field(ge=timedelta(seconds=10), le=timedelta(hours=24))] = timedelta(
        minutes=5
    )
    """From the Timestamp's Created to its Expires."""

    must_understand: bool = True
    """Ask the receiver to refuse the message if it does not know WS-Security."""

    answers: InboundSecurity | None = None
    """What an answer must carry. An answer that does not is no answer: the outcome is then unknown."""

    @model_validator(mode="after")
    def _something_is_shown(self) -> Self:
        if self.token is None and self.signature is None and self.encrypt_for is None:
            raise ValueError("expected token, signature or encrypt_for")
        if self.signature is not None and "token" in self.signature.signed and self.token is None:
            raise ValueError("signed names the token, but there is none")
        return self
