"""Services that Debian has no daemon for, in the bytes of their protocols; all in this process, in the hosts' namespaces."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress

from corpus.ground import NETWORK, Ground

Talk = Callable[[socket.socket], None]
Answer = Callable[[bytes], bytes | None]


def tcp(ground: Ground, last: int, port: int, talk: Talk) -> None:
    """Serve *talk* on a TCP port of the host ``.last``."""

    def listen() -> socket.socket:
        made = socket.create_server(("0.0.0.0", port))
        made.listen(64)
        return made

    def one(channel: socket.socket) -> None:
        channel.settimeout(5)
        with channel, suppress(OSError, ValueError, struct.error, IndexError):
            talk(channel)

    def serve(server: socket.socket) -> None:
        while True:
            with suppress(OSError):
                channel, _who = server.accept()
                threading.Thread(target=one, args=(channel,), daemon=True).start()

    ground.plug(last)
    threading.Thread(target=serve, args=(ground.inside(last, listen),), daemon=True).start()


def udp(ground: Ground, last: int, port: int, answer: Answer) -> None:
    """Answer datagrams to a UDP port of the host ``.last``."""

    def listen() -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.bind((f"{NETWORK}.{last}", port))
        return made

    def serve(server: socket.socket) -> None:
        while True:
            with suppress(OSError):
                asked, who = server.recvfrom(65535)
                said = answer(asked)
                if said is not None:
                    server.sendto(said, who)

    ground.plug(last)
    threading.Thread(target=serve, args=(ground.inside(last, listen),), daemon=True).start()


def llmnr(ground: Ground, last: int) -> None:
    """Answer to any name that is asked of all (RFC 4795), as who wants passwords sent to him does."""
    address = socket.inet_aton(f"{NETWORK}.{last}")

    def listen() -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(("0.0.0.0", 5355))
        made.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton("224.0.0.252") + address)
        return made

    def serve(server: socket.socket) -> None:
        while True:
            with suppress(OSError, IndexError):
                asked, who = server.recvfrom(2048)
                end = asked.index(b"\0", 12) + 5
                head = asked[:2] + b"\x80\0\0\1\0\1\0\0\0\0"
                server.sendto(head + asked[12:end] + b"\xc0\x0c\0\1\0\1\0\0\0\x1e\0\4" + address, who)

    ground.plug(last)
    threading.Thread(target=serve, args=(ground.inside(last, listen),), daemon=True).start()


def canary(heard: list[tuple[int, int]], port: int) -> Talk:
    """Note how many bytes come to a port that must get none."""

    def talk(channel: socket.socket) -> None:
        channel.settimeout(3)
        try:
            heard.append((port, len(channel.recv(4096))))
        except OSError:
            heard.append((port, 0))

    return talk


def says(*lines: bytes) -> Talk:
    """Say the first of *lines* at once, and each further one after something was heard."""

    def talk(channel: socket.socket) -> None:
        for line in lines:
            channel.sendall(line)
            if not channel.recv(4096):
                return

    return talk


def answers(said: bytes) -> Talk:
    """Say something once something was heard, as the r-commands of BSD do to a port that is not reserved."""

    def talk(channel: socket.socket) -> None:
        if channel.recv(64):
            channel.sendall(said)

    return talk


def replies(table: dict[bytes, bytes], greeting: bytes = b"", other: bytes = b"") -> Talk:
    """Answer each line by the beginning of it."""

    def talk(channel: socket.socket) -> None:
        channel.sendall(greeting)
        for line in channel.makefile("rb"):
            said = next((said for head, said in table.items() if line.upper().startswith(head)), other)
            channel.sendall(said)

    return talk


def exactly(table: dict[bytes, bytes]) -> Talk:
    """Answer what is known to the letter, and hang up at anything else, as strict daemons do."""

    def talk(channel: socket.socket) -> None:
        while said := table.get(channel.recv(4096)):
            channel.sendall(said)

    return talk


def routes(table: dict[bytes, bytes], other: bytes) -> Talk:
    """Answer a request by the beginning of its first line with a body; others with the head *other*, without its end."""

    def talk(channel: socket.socket) -> None:
        asked = channel.recv(4096).upper()
        body = next((said for head, said in table.items() if asked.startswith(head)), None)
        head = other if body is None else b"HTTP/1.1 200 OK"
        channel.sendall(head + b"\r\nConnection: close\r\n\r\n" + (body or b""))

    return talk


def page(body: bytes, head: bytes = b"HTTP/1.1 200 OK\r\nContent-Type: text/html") -> Talk:
    """Answer a request for / with a page and others with nothing found; *head* without its end."""

    def talk(channel: socket.socket) -> None:
        asked = channel.recv(4096)
        if asked.startswith(b"GET / "):
            channel.sendall(head + b"\r\nConnection: close\r\n\r\n" + body)
        else:
            channel.sendall(b"HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\nno")

    return talk


def guarded_page(accepted: bytes) -> Talk:
    """A device's page: Basic authentication, and one word that opens it."""

    def talk(channel: socket.socket) -> None:
        asked = channel.recv(4096)
        good = b"Authorization: Basic " + accepted in asked
        status = b"200 OK" if good else b'401 Unauthorized\r\nWWW-Authenticate: Basic realm="device"'
        channel.sendall(b"HTTP/1.1 " + status + b"\r\nConnection: close\r\n\r\n<title>Device</title>")

    return talk


def relay(greeting: bytes, ehlo: bytes, recipient: bytes) -> Talk:
    """A mail server; DATA ends the process's peace: nobody may get so far."""
    table = {b"EHLO": ehlo, b"MAIL": b"250 2.1.0 ok\r\n", b"RCPT": recipient, b"QUIT": b"221 bye\r\n"}
    return replies(table, greeting, b"250 ok\r\n")


def tls_hello(version: int, suites: tuple[int, ...]) -> Talk:
    """Answer a ClientHello of exactly *version* that offers one of *suites*, as a server of that age did; else an alert."""

    def talk(channel: socket.socket) -> None:
        head = channel.recv(5, socket.MSG_WAITALL)
        body = channel.recv(int.from_bytes(head[3:5], "big"), socket.MSG_WAITALL)
        offered = int.from_bytes(body[4:6], "big")
        at = 39 + body[38]
        size = int.from_bytes(body[at : at + 2], "big")
        named = struct.unpack(f"!{size // 2}H", body[at + 2 : at + 2 + size])
        chosen = next((suite for suite in suites if suite in named), None)
        if offered < version or chosen is None:
            channel.sendall(b"\x15" + struct.pack("!HH", version, 2) + b"\x02\x28")
            return
        hello = struct.pack("!H", version) + bytes(32) + b"\0" + struct.pack("!H", chosen) + b"\0"
        message = b"\x02" + len(hello).to_bytes(3, "big") + hello
        channel.sendall(b"\x16" + struct.pack("!HH", version, len(message)) + message)
        channel.recv(64)

    return talk


def ipmi(asked: bytes) -> bytes | None:
    """A management controller that opens sessions with cipher suite 0 (IPMI 2.0 §13.15, §13.18)."""
    if len(asked) >= 23 and asked[4] == 0 and asked[19] == 0x38:
        return b"\x06\0\xff\x07" + bytes(9) + b"\x10\x81\x1c\x63\x20\x00\x38\x00\x0e\x97\x04\x03\0\0\0\0\0"
    if len(asked) >= 48 and asked[5] == 0x10:
        payload = b"\0\0\0\0" + asked[20:24] + b"\1\2\3\4" + asked[24:48]
        return b"\x06\0\xff\x07\x06\x11" + bytes(8) + struct.pack("<H", len(payload)) + payload
    return None


def smart_install(channel: socket.socket) -> None:
    """A switch that listens to installation directors."""
    if channel.recv(24, socket.MSG_WAITALL)[:4] == b"\0\0\0\1":
        channel.sendall(struct.pack("!6I", 4, 0, 3, 8, 1, 0))


def winbox(channel: socket.socket) -> None:
    """A router that answers the first message of the key exchange with its key and a salt."""
    head = channel.recv(2, socket.MSG_WAITALL)
    channel.recv(head[0], socket.MSG_WAITALL)
    channel.sendall(bytes([49, 0x06]) + bytes(range(49)))


def routeros(channel: socket.socket) -> None:
    """The programming interface of a router: an unknown word is a trap."""
    channel.recv(64)
    channel.sendall(b"\x05!trap\x18=message=no such command\x00")


def mongodb(ok: float) -> Talk:
    """A database that lists what it has, or asks for a login first (OP_MSG)."""

    def talk(channel: socket.socket) -> None:
        size, number, _to, _code = struct.unpack("<4i", channel.recv(16, socket.MSG_WAITALL))
        channel.recv(size - 16, socket.MSG_WAITALL)
        content = b"\x01ok\0" + struct.pack("<d", ok) + b"\x10code\0" + struct.pack("<i", 13)
        document = struct.pack("<i", len(content) + 5) + content + b"\0"
        body = struct.pack("<I", 0) + b"\0" + document
        channel.sendall(struct.pack("<4i", 16 + len(body), 9, number, 2013) + body)

    return talk


def ntp_monitor(asked: bytes) -> bytes | None:
    """A time server of old that lists its clients (mode 7) and gives the time."""
    if asked[:1] == b"\x17" and asked[3:4] == b"\x2a":
        return b"\x97\0\x03\x2a" + struct.pack("!HH", 1, 72) + bytes(72)
    return b"\x24\x02\0\0" + bytes(44) if len(asked) >= 48 and asked[0] & 7 == 3 else None
