"""Frames: what is sent is well formed, and no frame that somebody else made trips a reader."""

from __future__ import annotations

import random
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface

import pytest

from wizara.audit.orders import Sighting
from wizara.tree import load

dhcp, frames, link, listen, names, neighbours, ports, provoke = (
    load(f"audits.lan.wire.{name}")
    for name in ("dhcp", "frames", "link", "listen", "names", "neighbours", "ports", "provoke")
)
MAC, OTHER = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")
OWN, PEER = IPv4Address("10.0.0.1"), IPv4Address("10.0.0.7")
OWN6, PEER6 = IPv6Address("fe80::1"), IPv6Address("fe80::7")
PORT = ports.Port("e0", IPv4Interface("10.0.0.1/24"), MAC, (IPv6Interface("fe80::1/64"),))


def arp_frame(operation: int, address: IPv4Address, mac: bytes = OTHER) -> bytes:
    head = bytes.fromhex("00010800060400") + bytes((operation,))
    return frames.ether(MAC, mac, frames.ARP, head + mac + address.packed + MAC + OWN.packed)


def lldp_frame() -> bytes:
    def element(kind: int, value: bytes) -> bytes:
        return ((kind << 9) | len(value)).to_bytes(2, "big") + value

    body = element(1, b"\x04" + OTHER) + element(2, b"\x05Gi0/1") + element(3, b"\0\x78") + element(5, b"sw\x1b[0m1")
    body += element(7, b"\0\x14\0\x04") + element(8, b"\x05\x01" + PEER.packed + b"\x02\0\0\0\1\0")
    return (
        bytes.fromhex("0180c200000e") + OTHER + b"\x88\xcc" + body + element(127, b"\x00\x80\xc2\x01\0\x14") + b"\0\0"
    )


def cdp_frame() -> bytes:
    def element(kind: int, value: bytes) -> bytes:
        return kind.to_bytes(2, "big") + (len(value) + 4).to_bytes(2, "big") + value

    address = b"\0\0\0\1\x01\x01\xcc\x00\x04" + PEER.packed
    body = bytes.fromhex("02b40000") + element(1, b"sw-hq") + element(2, address) + element(3, b"Gi0/2")
    body += element(6, b"cisco WS-C2960") + element(10, b"\0\x63")
    inner = bytes.fromhex("aaaa0300000c2000") + body
    return bytes.fromhex("01000ccccccc") + OTHER + len(inner).to_bytes(2, "big") + inner


def stp_frame() -> bytes:
    root, bridge = b"\x80\x00" + OTHER, b"\x90\x00" + MAC
    body = b"\0\0\0\0\x01" + root + b"\0\0\0\4" + bridge + b"\x80\x01" + b"\0\0\x14\0\2\0\x0f\0"
    return bytes.fromhex("0180c2000000") + OTHER + (3 + len(body)).to_bytes(2, "big") + b"\x42\x42\x03" + body


def ra_frame(hops: int = 255, source: IPv6Address = PEER6) -> bytes:
    prefix = b"\x03\x04\x40\xc0" + bytes(12) + IPv6Address("fd00:1::").packed
    resolver = b"\x19\x03\0\0\0\0\0\x3c" + IPv6Address("fd00:1::53").packed
    body = bytes.fromhex("860000004008070800000000") + bytes(4) + prefix + resolver
    packet = frames.icmp6(source, frames.ALL_NODES, body, hops)
    return frames.ether(frames.multicast_mac(frames.ALL_NODES), OTHER, frames.IPV6, packet)


def offer_frame() -> bytes:
    head = (
        bytes.fromhex("02010600")
        + (7).to_bytes(4, "big")
        + bytes(8)
        + PEER.packed
        + bytes(8)
        + MAC
        + bytes(10)
        + bytes(192)
    )
    options = b"\x35\x01\x02\x36\x04" + PEER.packed + b"\x03\x04" + PEER.packed + b"\x0c\x03a\x00b\xff"
    packet = frames.udp(PEER, IPv4Address("255.255.255.255"), (67, 68), head + b"\x63\x82\x53\x63" + options)
    return frames.ether(frames.BROADCAST, OTHER, frames.IPV4, packet)


def mdns_frame(content: bytes) -> bytes:
    packet = frames.udp(PEER, IPv4Address("224.0.0.251"), (5353, 5353), content, ttl=255)
    return frames.ether(frames.multicast_mac(IPv4Address("224.0.0.251")), OTHER, frames.IPV4, packet)


def answer(name: bytes, kind: int, value: bytes) -> bytes:
    record = name + kind.to_bytes(2, "big") + b"\0\1\0\0\0\x78" + len(value).to_bytes(2, "big") + value
    return bytes.fromhex("000084000000000100000000") + record


IPP = answer(names.encoded("_ipp._tcp.local"), 12, b"\x07printer\xc0\x0c")
HEARD = {
    "lldp": (lldp_frame(), {"chassis": "02:00:00:00:00:02", "port": "Gi0/1", "name": r"sw\x1b[0m1", "capabilities": ["bridge"], "address": "10.0.0.7", "vlan": 20}),
    "cdp": (cdp_frame(), {"name": "sw-hq", "port": "Gi0/2", "platform": "cisco WS-C2960", "vlan": 99, "address": "10.0.0.7"}),
    "stp": (stp_frame(), {"root": "02:00:00:00:00:02", "bridge": "02:00:00:00:00:01", "root_priority": 32768, "changes": True}),
    "ra": (ra_frame(), {"prefixes": ["fd00:1::/64"], "resolvers": ["fd00:1::53"], "preference": "high", "lifetime": 1800}),
    "dhcp": (offer_frame(), {"message": "offer", "offered": "10.0.0.7", "server": "10.0.0.7", "routers": ["10.0.0.7"], "name": r"a\x00b"}),
    "mdns": (mdns_frame(IPP), {"answers": True, "services": ["_ipp._tcp.local"]}),
}  # fmt: skip


def heard(frame: bytes) -> tuple[list[Sighting], set[tuple[str, str]]]:
    said: list[Sighting] = []
    lives: set[tuple[str, str]] = set()
    ear = listen.Listener(PORT, (IPv4Network("10.0.0.0/24"),), said.append, lambda ip, card: lives.add((ip, card)))
    ear.take(frame)
    return said, lives


@pytest.mark.parametrize("language", HEARD)
def test_what_is_said_unasked_is_read(language: str) -> None:
    frame, expected = HEARD[language]
    ((one,), _lives) = heard(frame)
    assert (one.kind, one.data["language"], one.mac) == ("heard", language, "02:00:00:00:00:02")
    assert {key: one.data.get(key) for key in expected} == expected


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (arp_frame(1, PEER), {("10.0.0.7", "02:00:00:00:00:02")}),
        (arp_frame(2, PEER), {("10.0.0.7", "02:00:00:00:00:02")}),
        (arp_frame(1, IPv4Address("0.0.0.0")), set()),  # it asks whether an address is free (RFC 5227)
        (arp_frame(1, IPv4Address("192.0.2.1")), set()),  # no network of this audit
        (arp_frame(2, OWN), set()),
        (arp_frame(2, PEER, b"\1\0\0\0\0\1"), set()),  # a group is no card
        (mdns_frame(IPP), {("10.0.0.7", "02:00:00:00:00:02")}),
        (ra_frame(), {("fe80::7%e0", "02:00:00:00:00:02")}),
    ],
)
def test_who_speaks_is_alive(frame: bytes, expected: set[tuple[str, str]]) -> None:
    assert heard(frame)[1] == expected


@pytest.mark.parametrize("frame", [ra_frame(hops=64), ra_frame(source=IPv6Address("fd00::9"))])
def test_an_advertisement_that_a_router_may_have_carried_is_none(frame: bytes) -> None:
    assert link.advertisement(frames.packet(frame)) is None


@pytest.mark.parametrize("language", HEARD)
def test_a_cut_or_spoilt_frame_trips_nobody(language: str) -> None:
    frame, chance = HEARD[language][0], random.Random(language)
    asked = provoke.Provocation(PORT, None, lambda _seen: None)
    asked._port = 40000
    readers: tuple[Callable[[bytes], object], ...] = (
        heard,
        asked.take,
        frames.arp,
        frames.packet,
        link.said,
    )
    for cut in range(len(frame)):
        for read in readers:
            read(frame[:cut])
    for _each in range(120):
        spoilt = bytearray(frame)
        for _byte in range(chance.randrange(1, 6)):
            spoilt[chance.randrange(12, len(spoilt))] = chance.choice(
                (0, 1, 0x3F, 0x7F, 0x80, 0xC0, 0xFF, chance.randrange(256))
            )
        for read in readers:
            read(bytes(spoilt))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 11,
        bytes.fromhex("000000000001000000000000") + b"\xc0\x0c\0\1\0\1",  # a name that is itself
        bytes.fromhex("000000000001000000000000") + b"\xc0\xff",
        bytes.fromhex("0000840000000001ffff0000") + b"\0",
        bytes.fromhex("000084000000000100000000") + b"\0\0\1\0\1\0\0\0\0\xff\xff",
        bytes.fromhex("00000000ffffffffffffffff"),
        bytes.fromhex("000000000001000000000000") + b"\x40abc",
    ],
)
def test_a_malformed_name_is_no_message(content: bytes) -> None:
    assert names.read(content) is None
    assert heard(mdns_frame(content))[0] == []


def test_a_flood_of_lies_is_kept_in_bounds() -> None:
    said: list[Sighting] = []
    ear = listen.Listener(PORT, (), said.append, lambda _ip, _card: None)
    for number in range(500):
        ear.take(mdns_frame(answer(names.encoded(f"_x{number}._tcp.local"), 12, b"\x01a\xc0\x0c")))
    assert len(said) == listen._EACH
    known: list[str] = []
    found = neighbours.Found(lambda ip, _card, _how: known.append(ip))
    for number in range(100):
        found.add("10.0.0.9", f"02:00:00:00:00:{number:02x}", "listen")
    assert len(found.cards["10.0.0.9"]) == 16


def test_netbios_names_go_there_and_back() -> None:
    message = names.read(names.question(1, names.netbios("wpad"), 0x20))
    assert message is not None
    assert message.questions == ("WPAD<00>",)


@pytest.mark.parametrize("target", [PEER, PEER6])
@pytest.mark.parametrize("flags", [frames.SYN, frames.RST])
@pytest.mark.parametrize("port", [1, 80, 65535])
def test_a_segment_is_whole_and_its_sum_is_right(target: IPv4Address | IPv6Address, flags: int, port: int) -> None:
    own = OWN if target.version == 4 else OWN6
    kind = frames.IPV4 if target.version == 4 else frames.IPV6
    ahead = OTHER + MAC + kind.to_bytes(2, "big")
    for number in (0, 7, 0xFFFFFFFF, 0x8000FFFF):
        frame = frames.tcp_frame(ahead, frames.tcp_template(own, target, 40000, number, flags), port)
        read = frames.packet(frame)
        assert read is not None
        assert (read.source, read.target, read.protocol) == (own, target, 6)
        assert int.from_bytes(read.payload[2:4], "big") == port
        assert read.payload[13] == flags
        assert frames.folded(frames.pseudo(own, target, 6, len(read.payload)) + frames.total(read.payload)) == 0
        if target.version == 4:
            assert frames.folded(frames.total(frame[14:34])) == 0


def test_questions_are_well_formed() -> None:
    question = frames.arp_question(MAC, OWN, PEER)
    assert (len(question), question[:6], question[28:32], question[38:42]) == (42, b"\xff" * 6, OWN.packed, PEER.packed)
    assert frames.arp(arp_frame(2, PEER)) == frames.Arp("10.0.0.7", "02:00:00:00:00:02", True)
    for frame in (
        frames.solicitation(MAC, OWN6, PEER6),
        frames.echo_all(MAC, OWN6),
        frames.odd_option_all(MAC, OWN6),
        frames.router_solicitation(MAC, OWN6),
    ):
        read = frames.packet(frame)
        assert read is not None
        assert read.protocol == 58
        assert (
            frames.folded(frames.pseudo(read.source, read.target, 58, len(read.payload)) + frames.total(read.payload))
            == 0
        )
    discover = dhcp.read(frames.datagram(frames.packet(dhcp.discover(MAC, 7)))[2])
    assert discover == {"message": "discover", "client": "02:00:00:00:00:01", "number": 7}


def test_a_neighbour_names_its_card() -> None:
    body = bytes.fromhex("88000000e0000000") + PEER6.packed + b"\x02\x01" + MAC
    for hops, expected in ((255, frames.Neighbour("fe80::7", "02:00:00:00:00:01", router=True)), (64, None)):
        frame = frames.ether(MAC, OTHER, frames.IPV6, frames.icmp6(PEER6, OWN6, body, hops))
        assert frames.advertisement(frames.packet(frame)) == expected


def test_only_the_answers_to_our_own_questions_count() -> None:
    told: list[Sighting] = []
    asked = provoke.Provocation(PORT, None, told.append)
    asked._port = 40000
    asked.take(offer_frame())  # of another number
    nobody = names.encoded(asked._nobody)
    for content, source, target in (
        (answer(nobody, 1, PEER.packed), 5355, 40000), (answer(names.encoded("wpad"), 1, PEER.packed), 5355, 40001),
        (answer(names.encoded("honest"), 1, PEER.packed), 5355, 40000), (answer(names.netbios("wpad"), 32, b"\0\0" + PEER.packed), 137, 40000),
    ):  # fmt: skip
        asked.take(frames.ether(MAC, OTHER, frames.IPV4, frames.udp(PEER, OWN, (source, target), content)))
    assert [(one.data["language"], one.data["name"], one.data["said"]) for one in told] == [
        ("llmnr", "nobody", "10.0.0.7"), ("nbns", "wpad", "10.0.0.7"),
    ]  # fmt: skip
    asked._number = 7
    asked.take(offer_frame())
    assert (told[-1].kind, told[-1].data["server"]) == ("dhcp", "10.0.0.7")
