"""UsernameToken: what is taken, what is refused, what is remembered."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from lxml import etree
from zeep.wsse.username import UsernameToken as ZeepToken

from adapters.soap.wsse import SecurityFault, Verified
from adapters.soap.wsse_names import PASSWORD_TEXT
from adapters.soap.wsse_once import once
from tests.adapters.soap.wsse_rig import NOW, TOKEN, USERS, judge, one, remove, request, sealed

Change = Callable[[etree._Element], None]

TEXT: dict[str, Any] = {"token": {"user": "mms", "password": "env:MMS_PASSWORD", "form": "text"}}


def test_a_digest_that_we_write_is_taken_and_names_user_and_partner() -> None:
    verified = judge(sealed(TOKEN), USERS)

    assert isinstance(verified, Verified)
    assert (verified.identity, verified.partner) == ("user:mms", "mms")
    assert [each.key.partition("/")[0] for each in verified.once] == ["nonce"]


def test_a_digest_that_zeep_writes_is_taken() -> None:
    envelope = request()
    # zeep writes the machine's time; the message is judged at that time.
    ZeepToken("mms", "s3cret-Pässword", use_digest=True).apply(envelope, {})
    created = one(envelope, "//wsu:Created").text or ""
    moment = NOW.fromisoformat(created.replace("Z", "+00:00"))

    assert isinstance(judge(envelope, USERS, moment.astimezone(NOW.tzinfo)), Verified)


def test_a_password_in_text_is_taken_only_where_the_settings_say_so() -> None:
    assert isinstance(judge(sealed(TEXT), USERS | {"password": "text"}), Verified)
    assert isinstance(judge(sealed(TEXT), USERS | {"password": "any"}), Verified)
    refused = judge(sealed(TEXT), USERS)
    assert isinstance(refused, SecurityFault)
    assert (refused.code, refused.finding.code) == ("InvalidSecurity", "WSSE-TOKEN")


def test_a_token_in_text_without_nonce_and_time_is_taken_and_not_remembered() -> None:
    envelope = sealed(TEXT)
    for name in ("Nonce", "Created"):
        remove(one(envelope, f"//wsse:UsernameToken/*[local-name()='{name}']"))

    verified = judge(envelope, USERS | {"password": "text"})

    assert isinstance(verified, Verified)
    assert verified.once == ()


@pytest.mark.parametrize("form", ["digest", "text"])
def test_an_unknown_user_and_a_wrong_password_are_told_alike(form: str) -> None:
    wrong = {"token": {"user": "mms", "password": "env:MMS_CERT", "form": form}}
    unknown = {"token": {"user": "someone", "password": "env:MMS_PASSWORD", "form": form}}
    policy = USERS | {"password": "any"}

    first, second = judge(sealed(wrong), policy), judge(sealed(unknown), policy)

    assert first == second
    assert isinstance(first, SecurityFault)
    assert (first.code, first.finding.code) == ("FailedAuthentication", "WSSE-PASSWORD")


def test_no_refusal_shows_a_password() -> None:
    envelope = sealed({"token": {"user": "mms", "password": "env:MMS_CERT", "form": "text"}})

    refused = judge(envelope, USERS | {"password": "text"})

    assert isinstance(refused, SecurityFault)
    assert "BEGIN CERTIFICATE" not in str(refused.finding)


@pytest.mark.parametrize(
    ("late", "code"),
    [
        (timedelta(minutes=6, seconds=1), "MessageExpired"),  # window 5 min, skew 1 min
        (timedelta(minutes=5, seconds=59), None),
        (timedelta(seconds=-59), None),
        (timedelta(seconds=-61), "MessageExpired"),
    ],
)
def test_created_counts_within_the_window_and_the_skew(late: timedelta, code: str | None) -> None:
    envelope = sealed(TOKEN)
    remove(one(envelope, "//wsu:Timestamp"))

    found = judge(envelope, USERS, NOW + late)

    assert (found.code if isinstance(found, SecurityFault) else None) == code


def _without(path: str) -> Change:
    def change(envelope: etree._Element) -> None:
        remove(one(envelope, path))

    return change


def _doubled(path: str) -> Change:
    def change(envelope: etree._Element) -> None:
        element = one(envelope, path)
        element.addnext(etree.fromstring(etree.tostring(element)))

    return change


def _text(path: str, text: str) -> Change:
    def change(envelope: etree._Element) -> None:
        one(envelope, path).text = text

    return change


def _type(envelope: etree._Element) -> None:
    one(envelope, "//wsse:Password").set("Type", PASSWORD_TEXT + "ual")


def _second_security_header(envelope: etree._Element) -> None:
    security = one(envelope, "//wsse:Security")
    security.addnext(etree.fromstring(etree.tostring(security)))


def _security_in_the_body(envelope: etree._Element) -> None:
    security = one(envelope, "//wsse:Security")
    one(envelope, "//s:Body").append(etree.fromstring(etree.tostring(security)))


BROKEN = {
    "no token": (_without("//wsse:UsernameToken"), "InvalidSecurity", "WSSE-TOKEN"),
    "no security header": (_without("//wsse:Security"), "InvalidSecurity", "WSSE-HEADER"),
    "no nonce": (_without("//wsse:Nonce"), "InvalidSecurity", "WSSE-TOKEN"),
    "no time": (_without("//wsse:UsernameToken/wsu:Created"), "InvalidSecurity", "WSSE-TOKEN"),
    "no user name": (_without("//wsse:Username"), "InvalidSecurity", "WSSE-TOKEN"),
    "two passwords": (_doubled("//wsse:Password"), "InvalidSecurity", "WSSE-TOKEN"),
    "two tokens": (_doubled("//wsse:UsernameToken"), "InvalidSecurity", "WSSE-HEADER"),
    "two security headers": (_second_security_header, "InvalidSecurity", "WSSE-HEADER"),
    "a security header in the body": (_security_in_the_body, "InvalidSecurity", "WSSE-HEADER"),
    "a short nonce": (_text("//wsse:Nonce", "AAEC"), "InvalidSecurity", "WSSE-TOKEN"),
    "a nonce that is no Base64": (_text("//wsse:Nonce", "#" * 24), "InvalidSecurity", "WSSE-TOKEN"),
    "another type of password": (_type, "UnsupportedAlgorithm", "WSSE-TOKEN"),
    "an expired timestamp": (
        _text("//wsu:Timestamp/wsu:Expires", "2026-11-20T14:13:59Z"),
        "MessageExpired",
        "WSSE-EXPIRED",
    ),
    "a timestamp before all time": (
        _text("//wsu:Timestamp/wsu:Created", "0001-01-01T00:00:00+23:00"),
        "InvalidSecurity",
        "WSSE-TIMESTAMP",
    ),
    "a timestamp that is no time": (
        _text("//wsu:Timestamp/wsu:Created", "yesterday"),
        "InvalidSecurity",
        "WSSE-TIMESTAMP",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_token_is_refused_with_its_own_fault(name: str) -> None:
    change, code, finding_code = BROKEN[name]
    envelope = sealed(TOKEN)
    change(envelope)

    refused = judge(envelope, USERS)

    assert isinstance(refused, SecurityFault), name
    assert (refused.code, refused.finding.code) == (code, finding_code)


def test_a_comment_in_the_user_name_makes_no_other_user_of_it() -> None:
    envelope = sealed(TEXT)
    name = one(envelope, "//wsse:Username")
    name.text = "mm"
    comment = etree.Comment("x")
    comment.tail = "s"
    name.append(comment)

    verified = judge(envelope, USERS | {"password": "text"})

    assert isinstance(verified, Verified)
    assert verified.identity == "user:mms"
    assert not list(verified.envelope.iter(etree.Comment))


def test_the_same_nonce_is_a_repeat_only_with_the_same_bytes_and_the_same_sender() -> None:
    """The journal remembers key -> content: the same content again is a repeat, any other a replay."""
    known = once("nonce", b"n" * 16, "bytes", "user:mms", NOW)

    assert once("nonce", b"n" * 16, "bytes", "user:mms", NOW) == known
    for other in (
        once("nonce", b"n" * 16, "other bytes", "user:mms", NOW),
        once("nonce", b"n" * 16, "bytes", "user:other", NOW),
    ):
        assert other.key == known.key
        assert other.content_hash != known.content_hash
    assert once("nonce", b"m" * 16, "bytes", "user:mms", NOW).key != known.key
    assert once("signature", b"n" * 16, "bytes", "user:mms", NOW).key != known.key
