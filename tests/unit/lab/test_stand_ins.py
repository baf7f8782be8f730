"""The stand-ins answer as what they stand in for."""

from __future__ import annotations

import http.server
import struct
import threading

import pytest

from wizara.lab.apt import chosen
from wizara.lab.hosts import ios
from wizara.lab.hosts.archive import Absent, Cache, Reading, is_immutable
from wizara.lab.hosts.resolver import answer

KNOWN = {"www.outside.test": bytes([203, 0, 113, 80])}


def query(name: str, kind: int = 1) -> bytes:
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack("!6H", 7, 0x0100, 1, 0, 0, 0) + labels + b"\x00" + struct.pack("!HH", kind, 1)


@pytest.mark.parametrize(
    ("name", "kind", "code", "answers"),
    [
        ("www.outside.test", 1, 0, 1),
        ("WWW.Outside.test", 1, 0, 1),
        ("www.outside.test", 28, 0, 0),
        ("outside.test", 1, 0, 0),
        ("elsewhere.test", 1, 3, 0),
    ],
)
def test_the_resolver_knows_its_names_and_denies_all_others(name, kind, code, answers):
    reply = answer(query(name, kind), KNOWN)
    assert reply is not None
    number, flags, _questions, found, _authority, _additional = struct.unpack("!6H", reply[:12])
    assert (number, flags & 15, found, flags >> 15) == (7, code, answers, 1)
    assert reply.endswith(bytes([203, 0, 113, 80])) == bool(answers)


@pytest.mark.parametrize("garbage", [b"", b"\x00" * 5, query("a")[:14], b"\xff" * 40])
def test_the_resolver_survives_garbage(garbage):
    reply = answer(garbage, KNOWN)
    assert reply is None or len(reply) >= 12


def test_the_switch_shows_its_configuration_to_the_privileged_only():
    session = ios.Session("sw")
    assert "Invalid" in session.answer("show running-config", "x")
    assert session.prompt() == "sw>"
    session.answer("enable", "x")
    assert session.prompt() == "Password: "
    assert "denied" in session.answer("wrong", "x")
    session.answer("enable", "x")
    session.answer("x", "x")
    assert session.prompt() == "sw#"
    assert "snmp-server community public" in session.answer("sh run", "x")
    assert "Invalid" in session.answer("configure terminal", "x")


def test_the_machines_own_mirror_is_told_from_other_sources():
    pairs = [
        ["http://other.test/", "nodistro"],
        ["http://sec.test/debian-security/", "bookworm-security"],
        ["http://m.test/debian/", "bookworm"],
    ]
    assert chosen(pairs, "") == "http://m.test/debian/"
    assert chosen(pairs, "-security") == "http://sec.test/debian-security/"
    assert chosen([], "") is None


@pytest.fixture
def upstream():
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(f"{self.path} {self.headers.get('Range', '')}".strip())
            content = b"0123456789" * 1000
            held = int(self.headers.get("Range", "bytes=0-")[6:-1])
            self.send_response(206 if held else 200)
            self.send_header("Content-Length", str(len(content) - held))
            self.end_headers()
            self.wfile.write(content[held:])

        def log_message(self, *_words: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", asked
    server.shutdown()


def content(cache: Cache, path: str) -> bytes:
    found = cache.file(path)
    return b"".join(found.blocks()) if isinstance(found, Reading) else found.read_bytes()


def test_a_package_is_fetched_once_and_resumed_where_it_stopped(tmp_path, upstream):
    address, asked = upstream
    cache = Cache(tmp_path, {"debian": address}, {})
    path = "/debian/pool/main/a/a.deb"
    part = tmp_path / "debian/pool/main/a/a.deb.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"0123456789" * 400)
    assert content(cache, path) == content(cache, path) == b"0123456789" * 1000
    assert asked == ["/pool/main/a/a.deb bytes=4000-"]


def test_without_a_way_out_the_last_known_index_is_served(tmp_path):
    cache = Cache(tmp_path, {"debian": "http://127.0.0.1:1"}, {})
    known = tmp_path / "debian/dists/trixie/InRelease"
    known.parent.mkdir(parents=True)
    known.write_text("known")
    assert content(cache, "/debian/dists/trixie/InRelease") == b"known"
    with pytest.raises(Absent):
        cache.file("/debian/dists/trixie/other")


@pytest.mark.parametrize("path", ["/debian/../../etc/passwd", "/other/dists/x", "/debian", "/debian/pool/x.part"])
def test_nothing_but_the_archive_is_served(tmp_path, path):
    with pytest.raises(Absent):
        Cache(tmp_path, {"debian": "http://127.0.0.1:1"}, {}).file(path)


@pytest.mark.parametrize(
    ("path", "immutable"),
    [("/debian/pool/a.deb", True), ("/debian/dists/x/by-hash/SHA256/0", True), ("/debian/dists/x/InRelease", False)],
)
def test_only_what_never_changes_is_not_asked_for_again(path, immutable):
    assert is_immutable(path) is immutable
