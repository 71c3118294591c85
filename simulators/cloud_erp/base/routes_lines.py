"""The lines of a routes.yaml that point a gateway at a simulated ERP, just as it was started."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Pointer:
    """What is written of an ERP's endpoint beside its address.

    `secret`: the variable that its secret is taken from. `login`: how the vendor's customers log in; what the
    command line names (`--client`, `--user`) goes before it. `codes`, `defaults`: enough of them for `check`,
    and for the orders in fixtures/demo, which name no currency and use the legacy system's own codes.
    """

    endpoint: str
    kind: str
    secret: str
    login: Literal["oauth2", "basic"]
    defaults: str
    codes: str = ""


def routes_lines(
    pointer: Pointer,
    url: str,
    token_path: str,
    *,
    client: str = "",
    user: str = "",
    is_mutual: bool = False,
) -> str:
    """Give the lines. `client`, `user`: the first that may come; without any, whoever comes is let in."""
    is_plain = url.startswith("http:")
    lines = [f"kind: {pointer.kind}", "environment: test", f"base: {url}"]
    if is_plain:
        lines.append("plaintext: true")
    else:
        own = ", certificate: file:CLIENT.pem, key: file:CLIENT.key" if is_mutual else ""
        lines.append(f"tls: {{ca: file:CA.pem{own}}}")
    if client or (pointer.login == "oauth2" and not user):
        plain = ["  plaintext: true"] if is_plain else []
        lines += ["oauth2:", f"  token_url: {url}{token_path}", *plain]
        lines += [f"  client_id: {client or 'bridge'}", f"  client_secret: env:{pointer.secret}"]
    else:
        lines.append(f"basic: {{user: {user or 'BRIDGE'}, password: env:{pointer.secret}}}")
    if pointer.codes:
        lines.append(f"codes: {pointer.codes}")
    lines.append(f"defaults: {pointer.defaults}")
    block = "\n".join(f"    {each}" for each in lines)
    whose = f"the secret of {client or user}" if client or user else "anything"
    return (
        "In routes.yaml, its endpoint is (the rest stays as it is for the real one; "
        f"{pointer.secret} holds {whose}):\n\nendpoints:\n  {pointer.endpoint}:\n{block}"
    )
