"""The small readers that promises rest on: captures, DNS answers, DKIM signatures."""

from __future__ import annotations

import base64
import hashlib
import struct
from ipaddress import IPv4Address, IPv4Network

import pytest

from wizara.tree import load

packets = load("audits.intranet.packets")
question = load("audits.names.question")
signature = load("audits.mail.signature")

PERMITTED = packets.Permitted(
    inside=(IPv4Network("10.20.0.0/16"),), tunnel_port=51820, management=(IPv4Network("203.0.113.2/32"),),
    mirrors=frozenset({IPv4Address("203.0.113.10")}), resolvers=frozenset({IPv4Address("203.0.113.53")}),
)  # fmt: skip


def frame(source: str, target: str, protocol: int, ports: tuple[int, int] = (0, 0), load_: bytes = b"") -> bytes:
    body = struct.pack("!2H", *ports) + load_ if protocol in {6, 17} else load_
    head = struct.pack(
        "!BBHHHBBH4s4s",
        0x45,
        0,
        20 + len(body),
        0,
        0,
        64,
        protocol,
        0,
        IPv4Address(source).packed,
        IPv4Address(target).packed,
    )
    return b"\0" * 12 + b"\x08\x00" + head + body


def pcap(*frames: bytes, link: int = 1) -> bytes:
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, link)
    return head + b"".join(struct.pack("<IIII", 0, 0, len(one), len(one)) + one for one in frames)


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (frame("198.51.100.2", "192.0.2.2", 17, (40000, 51820)), "tunnel"),
        (frame("198.51.100.2", "192.0.2.2", 17, (40000, 51821)), "foreign"),
        (frame("10.20.1.1", "192.0.2.2", 17, (40000, 51820)), "inside"),
        (frame("198.51.100.2", "10.20.1.1", 1), "inside"),
        (frame("198.51.100.2", "192.0.2.2", 1), "control"),
        (frame("203.0.113.2", "198.51.100.2", 6, (50000, 22)), "management"),
        (frame("203.0.113.3", "198.51.100.2", 6, (50000, 22)), "foreign"),
        (frame("198.51.100.2", "203.0.113.10", 6, (50000, 80)), "packages"),
        (frame("198.51.100.2", "203.0.113.11", 6, (50000, 80)), "foreign"),
        (frame("198.51.100.2", "203.0.113.53", 17, (50000, 53)), "names"),
        (b"\0" * 12 + b"\x08\x06" + b"\0" * 28, "link"),
    ],
)
def test_packets_are_sorted(raw: bytes, name: str) -> None:
    assert dict(packets.sort(packets.packets(pcap(raw)), PERMITTED).counts) == {name: 1}


def test_a_canary_in_clear_is_counted_and_a_cut_capture_read_to_its_end() -> None:
    content = pcap(
        frame("198.51.100.2", "192.0.2.2", 17, (1, 51820), b"..canary.."), frame("198.51.100.2", "192.0.2.2", 1)
    )
    assert packets.sort(packets.packets(content), PERMITTED, b"canary").canary == 1
    assert len(list(packets.packets(content[:-3]))) == 1


@pytest.mark.parametrize("content", [b"", b"not a capture at all, but long enough", pcap(b"x" * 20, link=105)])
def test_what_is_no_capture_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="capture"):
        list(packets.packets(content))


def answer(code: int, *records: bytes) -> bytes:
    asked = b"\x04mail\x03mps\0" + struct.pack("!2H", 1, 1)
    return struct.pack("!6H", 7, 0x8180 | code, 1, len(records), 0, 0) + asked + b"".join(records)


def resource(kind: int, data: bytes) -> bytes:
    return b"\xc0\x0c" + struct.pack("!2HIH", kind, 1, 300, len(data)) + data


@pytest.mark.parametrize(
    ("message", "kind", "code", "values"),
    [
        (answer(0, resource(1, b"\x0a\x14\x0a\x14")), "A", "NOERROR", ("10.20.10.20",)),
        (answer(3), "A", "NXDOMAIN", ()),
        (answer(2), "A", "SERVFAIL", ()),
        (answer(0, resource(12, b"\x03dc1\xc0\x11")), "PTR", "NOERROR", ("dc1.mps",)),
        (answer(0, resource(16, b"\x03v=D\x03KIM")), "TXT", "NOERROR", ("v=DKIM",)),
    ],
)
def test_dns_answers_are_read(message: bytes, kind: str, code: str, values: tuple[str, ...]) -> None:
    assert question.read(message, 7, kind) == question.Answer(code, values)


@pytest.mark.parametrize("message", [answer(0)[:9], answer(0, resource(12, b"\xc0\x26")), b"", answer(0, b"\xc0")])
def test_hostile_dns_answers_are_refused(message: bytes) -> None:
    with pytest.raises(ValueError):
        question.read(message, 7, "PTR")


def test_an_answer_to_another_question_is_refused() -> None:
    with pytest.raises(ValueError, match="question"):
        question.read(answer(0), 8, "A")


# The bodies of RFC 6376 §3.4.5 (relaxed) and the empty ones of §3.4.3 and §3.4.4
@pytest.mark.parametrize(
    ("body", "relaxed", "canonical"),
    [
        (b" C \r\nD \t E\r\n\r\n\r\n", True, b" C\r\nD E\r\n"),
        (b" C \r\nD \t E\r\n\r\n\r\n", False, b" C \r\nD \t E\r\n"),
        (b"", True, b""),
        (b"", False, b"\r\n"),
    ],
)
def test_bodies_are_hashed_in_canonical_form(body: bytes, relaxed: bool, canonical: bytes) -> None:
    assert signature.body_hash(body, relaxed=relaxed) == base64.b64encode(hashlib.sha256(canonical).digest()).decode()


def message(body: bytes, **tags: str) -> bytes:
    all_tags = {"v": "1", "a": "rsa-sha256", "c": "relaxed/relaxed", "d": "mps.gov.test", "s": "wz", "h": "from:to",
                "bh": signature.body_hash(b"hello\r\n", relaxed=True), "b": "x"} | tags  # fmt: skip
    return (
        ("DKIM-Signature: " + ";\r\n\t".join(f"{key}={value}" for key, value in all_tags.items())).encode()
        + b"\r\nFrom: a\r\n\r\n"
        + body
    )


@pytest.mark.parametrize(
    ("raw", "matches"),
    [
        (message(b"hello \r\n"), True),
        (message(b"hullo\r\n"), False),
        (message(b"hello\r\n", a="rsa-sha1"), False),
        (message(b"hello\r\n", l="3"), False),
    ],
)
def test_a_signature_covers_the_body_that_arrived(raw: bytes, matches: bool) -> None:
    (found,) = signature.signatures(raw)
    assert (found.domain, found.selector, found.headers) == ("mps.gov.test", "wz", ("from", "to"))
    assert found.body_matches is matches


def test_every_scheme_of_a_web_server_is_told() -> None:
    web = load("audits.lan.looks.web")
    answer = b"HTTP/1.1 401 no\r\nWWW-Authenticate: Negotiate\r\nWWW-Authenticate: Basic realm=x\r\n\r\n"
    assert web.http_facts(answer)["authenticate"] == "Negotiate, Basic realm=x"
