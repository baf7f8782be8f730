"""Machines that speak to the whole LAN, machines that must not, and machines that break when they are asked too much: stubs."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import struct
import sys
import threading
import time
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "audit"))

from audits.lan.wire import dhcp, frames, names
from audits.lan.wire.ports import ports


def raw(protocol: int = 0) -> socket.socket:
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(protocol))
    wire.bind(("lan0", protocol))
    return wire


def own() -> tuple[bytes, IPv4Address | None]:
    found = ports()
    if found:
        return found[0].mac, found[0].address.ip
    return bytes.fromhex(Path("/sys/class/net/lan0/address").read_text().strip().replace(":", "")), None


def say(language: str, every: str = "1") -> None:
    """Say something in *language* again and again."""
    mac, address = own()
    six = IPv6Address((0xFE80 << 112) | int.from_bytes(bytes((mac[0] ^ 2,)) + mac[1:3] + b"\xff\xfe" + mac[3:], "big"))
    four = address or IPv4Address("0.0.0.0")

    def talk(group: str, port: int, content: bytes) -> bytes:
        to = IPv4Address(group)
        card = frames.BROADCAST if to == IPv4Address("255.255.255.255") else frames.multicast_mac(to)
        return frames.ether(card, mac, frames.IPV4, frames.udp(four, to, (port, port), content, ttl=1))

    def lldp() -> bytes:
        body = b"\x02\x07\x04" + mac + b"\x04\x04\x05Gi1\x06\x02\0\x78\x0a\x05sw-77\0\0"
        return bytes.fromhex("0180c200000e") + mac + b"\x88\xcc" + body

    def cdp() -> bytes:
        body = bytes.fromhex("02b40000") + b"\0\x01\0\x09sw-77" + b"\0\x03\0\x07Gi2"
        return (
            bytes.fromhex("01000ccccccc")
            + mac
            + (8 + len(body)).to_bytes(2, "big")
            + bytes.fromhex("aaaa0300000c2000")
            + body
        )

    def ra() -> bytes:
        prefix = b"\x03\x04\x40\xc0" + bytes(12) + IPv6Address("fd00:bad::").packed
        body = bytes.fromhex("86000000400007080000000000000000") + prefix
        return frames.ether(
            frames.multicast_mac(frames.ALL_NODES), mac, frames.IPV6, frames.icmp6(six, frames.ALL_NODES, body)
        )

    pointer = names.encoded("_ipp._tcp.local") + b"\0\x0c\0\1\0\0\0\x78\0\4\x01p\xc0\x0c"
    made = {
        "mdns": talk("224.0.0.251", 5353, bytes.fromhex("000084000000000100000000") + pointer),
        "llmnr": talk("224.0.0.252", 5355, names.question(1, names.encoded("files"))),
        "nbns": talk("255.255.255.255", 137, names.question(1, names.netbios("files"), 32, 0x0110)),
        "dhcp": dhcp.discover(mac, 7),
        "arp": frames.arp_question(mac, four, IPv4Address(int(four) ^ 1)),
        "lldp": lldp(), "cdp": cdp(), "ra": ra(),
    }  # fmt: skip
    wire = raw()
    while True:
        wire.send(made[language])
        time.sleep(float(every))


def dhcp_server() -> None:
    """Offer an address to whoever asks."""
    mac, address = own()
    assert address is not None
    wire = raw(frames.IPV4)
    while True:
        frame = wire.recv(2048)
        packet = frames.packet(frame)
        talk = frames.datagram(packet) if packet else None
        if talk and talk[:2] == (68, 67):
            head = bytearray(talk[2][:240])
            head[0] = 2
            head[16:20] = address.packed
            options = b"\x35\x01\x02\x36\x04" + address.packed + b"\x03\x04" + address.packed + b"\xff"
            answer = frames.udp(address, IPv4Address("255.255.255.255"), (67, 68), bytes(head) + options)
            wire.send(frames.ether(frames.BROADCAST, mac, frames.IPV4, answer))


def poisoner(only: str = "") -> None:
    """Answer to every name by LLMNR, mDNS and NetBIOS, or to *only* one."""
    mac, address = own()
    assert address is not None
    wire = raw(frames.IPV4)
    while True:
        packet = frames.packet(wire.recv(2048))
        talk = frames.datagram(packet) if packet else None
        message = names.read(talk[2]) if talk and talk[1] in {5353, 5355, 137} else None
        if not packet or not talk or not message or message.answer or not message.questions:
            continue
        if only and only not in message.questions[0].lower():
            continue
        source, port, content = talk
        end = content.index(b"\0", 12) + 5
        value = (b"\0\0" if port == 137 else b"") + address.packed
        record = content[12:end] + b"\0\0\0\x1e" + len(value).to_bytes(2, "big") + value
        answer = content[:2] + bytes.fromhex("84000000000100000000") + record
        assert isinstance(packet.source, IPv4Address)
        reply = frames.udp(address, packet.source, (port, source), answer)
        wire.send(frames.ether(bytes.fromhex(packet.mac.replace(":", "")), mac, frames.IPV4, reply))


def spoofer(victim: str) -> None:
    """Say again and again that *victim* is here."""
    mac, _address = own()
    reply = (
        bytes.fromhex("00010800060400")
        + b"\x02"
        + mac
        + IPv4Address(victim).packed
        + b"\xff" * 6
        + IPv4Address(victim).packed
    )
    wire = raw()
    while True:
        wire.send(frames.ether(frames.BROADCAST, mac, frames.ARP, reply))
        time.sleep(0.5)


def tired(address: str, breath: int, slower: float) -> None:
    """Be a machine at *address* that refuses all TCP, each answer *slower* seconds later once it had *breath* of them; 0 vanishes."""
    mac, own_ip = own()[0], IPv4Address(address)
    wire = raw(3)
    count = 0

    def later(frame: bytes, seconds: float) -> None:
        threading.Timer(seconds, wire.send, [frame]).start() if seconds else wire.send(frame)

    while True:
        frame = wire.recv(2048)
        if frame[6:12] == mac or (count > breath and slower == 0):
            continue
        if frame[12:14] == b"\x08\x06" and frame[38:42] == own_ip.packed and frame[21] == 1:
            reply = bytes.fromhex("00010800060400") + b"\x02" + mac + own_ip.packed + frame[22:32]
            wire.send(frames.ether(frame[6:12], mac, frames.ARP, reply))
        packet = frames.packet(frame)
        if packet and packet.protocol == 6 and packet.target == own_ip and packet.payload[13] & 2:
            count += 1
            sport, dport, number = struct.unpack_from("!HHI", packet.payload)
            before, rest, total = frames.tcp_template(own_ip, packet.source, dport, 0, 0x14)
            rest = rest[:4] + ((number + 1) & 0xFFFFFFFF).to_bytes(4, "big") + rest[8:]
            total = frames.pseudo(own_ip, packet.source, 6, 20) + dport + frames.total(rest)
            answer = frames.tcp_frame(frame[6:12] + mac + b"\x08\x00", (before, rest, total), sport)
            later(answer, slower if count > breath else 0)


def tarpit() -> None:
    """Take every connection, and never say a word."""
    kept: list[socket.socket] = []
    server = socket.create_server(("", 9), backlog=512)
    while True:
        kept.append(server.accept()[0])


def serve(*numbers: str) -> None:
    """Take connections on TCP ports and keep what is said, a line each."""
    log = Path("heard.log").open("ab", buffering=0)  # noqa: SIM115 - for as long as it serves

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.settimeout(3)
            with contextlib.suppress(OSError):
                said = self.request.recv(4096)
                log.write(f"{self.server.server_address[0]} {self.server.server_address[1]} {len(said)}\n".encode())

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True
        address_family = socket.AF_INET6
        request_queue_size = 128

    for number in numbers:
        threading.Thread(target=Server(("::", int(number)), Handler).serve_forever).start()


if __name__ == "__main__":
    what, *words = sys.argv[1:]
    if what == "tired":
        tired(words[0], int(words[1]), float(words[2]))
    {"say": say, "dhcp": dhcp_server, "poisoner": poisoner, "spoofer": spoofer, "tarpit": tarpit, "serve": serve}[what](
        *words
    )
