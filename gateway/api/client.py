"""The command line's end of the admin API: one verb, one request, over HTTPS.

Source of the form of errors: RFC 9457. Plain HTTP is spoken to this machine only: a token is a password.
"""

from __future__ import annotations

import http.client
import ipaddress
import json
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from gateway.api.contract import WHO, Resource, resource_of
from gateway.operations.errors import OperationError

ANSWER_BYTES_MAX = 256 * 1024 * 1024


class ClientError(Exception):
    """The gateway cannot be asked; the text says why, and what to do."""


def ask_over_http(
    url: str, token: str, verb: str, arguments: Mapping[str, Any], timeout_s: float, *, ca: str | None = None
) -> Any:
    """Ask a gateway elsewhere, and give its answer. ``ca``: a file of who may have signed its certificate.

    Errors: ClientError; OperationError as the gateway gave it.
    """
    resource = resource_of(verb)
    connection = _connection(url, timeout_s, ca)
    target, body = _request(resource, arguments)
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    if body is not None:
        headers["Content-Type"] = "application/json"
    try:
        connection.request(resource.method, urlsplit(url).path.rstrip("/") + target, body, headers)
        reply = connection.getresponse()
        text = reply.read(ANSWER_BYTES_MAX + 1)
    except ssl.SSLCertVerificationError as error:
        hint = "set LEGACY_BRIDGE_CA to the file of its authority"
        raise ClientError(
            f"{url}: its certificate is not trusted ({error.verify_message}); {hint}"
        ) from error
    except TimeoutError as error:
        raise ClientError(
            f"{url}: no answer within {timeout_s:.0f} s; what was asked may still happen"
        ) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise ClientError(f"{url}: cannot be asked ({str(error) or type(error).__name__})") from error
    finally:
        connection.close()
    return _result(url, reply.status, text)


def _connection(url: str, timeout_s: float, ca: str | None) -> http.client.HTTPConnection:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise ClientError(f"'{url}' is no address; expected https://HOST:PORT") from error
    if parts.scheme == "https" and host:
        try:
            context = ssl.create_default_context(cafile=ca)
        except OSError as error:
            raise ClientError(f"{ca}: no file of certificates ({error.strerror or error})") from error
        return http.client.HTTPSConnection(host, port, timeout=timeout_s, context=context)
    if parts.scheme == "http" and _is_this_machine(host):
        return http.client.HTTPConnection(host, port, timeout=timeout_s)
    raise ClientError(f"'{url}': expected https://HOST:PORT; http only to this machine, for a token is sent")


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _request(resource: Resource, arguments: Mapping[str, Any]) -> tuple[str, bytes | None]:
    in_path = {each.name for each in resource.in_path}
    given = {
        name: value
        for name, value in arguments.items()
        if name not in in_path and name != WHO and value is not None
    }
    target = resource.address(arguments)
    if resource.has_body:
        return target, json.dumps(given, ensure_ascii=False).encode()
    words = [(name, _word(each)) for name, value in given.items() for each in _each(value)]
    return (f"{target}?{urlencode(words)}" if words else target), None


def _each(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _word(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _result(url: str, status: int, text: bytes) -> Any:
    try:
        answer = json.loads(text)
    except ValueError as error:
        raise ClientError(
            f"{url}: status {status}, and no answer of a gateway; is the address right?"
        ) from error
    if status == 200:
        return answer
    if not isinstance(answer, dict) or "detail" not in answer:
        raise ClientError(f"{url}: status {status}; is the address right?")
    code = str(answer.get("code", "")).removeprefix("ADMIN-").lower().replace("-", "_")
    findings = answer.get("findings", ())
    raise OperationError(code, str(answer["detail"]), tuple(findings) if isinstance(findings, list) else ())
