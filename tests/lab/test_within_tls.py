"""Real daemons that let anybody in behind TLS are found, and their hardened twins hold; who greets late is known."""

from __future__ import annotations

import json
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from corpus import audits, root, stubs
from corpus.first import Host, slapd
from corpus.ground import Ground
from corpus.papers import Authority

pytestmark = pytest.mark.lab

_POSTGRES = (
    "mkdir -p /run/postgresql; chown postgres /run/postgresql /var/lib/postgresql; cd /tmp; B=/usr/lib/postgresql/$(ls /usr/lib/postgresql)/bin;"
    " D=/var/lib/postgresql/y; cp /pg_hba.conf hba; cp /key.pem key; cp /crt.pem crt; chmod 644 hba crt; chmod 600 key; chown postgres key;"
    ' setpriv --reuid postgres --regid postgres --clear-groups sh -c "$B/initdb -N -D $D -A trust >/dev/null;'
    " exec $B/postgres -D $D -c listen_addresses='*' -c hba_file=/tmp/hba -c ssl=on -c ssl_key_file=/tmp/key -c ssl_cert_file=/tmp/crt"
    ' -c fsync=off -c shared_buffers=4MB"'
)
_REDIS = "exec redis-server --port 0 --tls-port 6379 --tls-cert-file /crt.pem --tls-key-file /key.pem --tls-ca-cert-file /crt.pem --save '' --protected-mode no"
_BROKER = "listener 8883\ncertfile /crt.pem\nkeyfile /key.pem\n"
_WORDS = b"".join(
    len(one).to_bytes(4, "big") + one
    for one in (b"diffie-hellman-group1-sha1", b"ssh-ed25519", b"aes256-ctr", b"aes256-ctr", b"hmac-sha2-256", b"hmac-sha2-256", b"none", b"none", b"", b"")
)  # fmt: skip
_PAYLOAD = b"\x14" + bytes(16) + _WORDS + bytes(5)
_KEXINIT = (len(_PAYLOAD) + 5).to_bytes(4, "big") + b"\4" + _PAYLOAD + bytes(4)
#: last → its port.
PORTS = {
    11: 636,
    12: 636,
    13: 389,
    14: 8883,
    15: 8883,
    16: 8883,
    17: 6379,
    18: 6379,
    19: 5432,
    20: 5432,
    21: 5432,
    22: 80,
}
FOUND = {("LDP-001", 11), ("LDP-001", 13), ("MQT-001", 14), ("RED-001", 17), ("PGS-001", 19), ("SSH-001", 22)}
SOUND = {("LDP-001", 12), ("MQT-001", 15), ("RED-001", 18), ("PGS-001", 20)}
UNKNOWN = {("LAN-010", 16, "within"), ("PGS-001", 21, "undecided")}


def hosts() -> Mapping[int, Host]:
    authority = Authority()

    def papers(last: int) -> Mapping[str, str | bytes]:
        return authority.papers(f"h{last}.min.test")

    def directory(last: int, listens: str, *lines: str) -> Host:
        suites = "TLSCipherSuite SECURE128:-VERS-TLS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA"
        shown = ("TLSCertificateFile /crt.pem", "TLSCertificateKeyFile /key.pem", suites)
        tree, files, script = slapd(*shown, *lines, papers=papers(last))
        return tree, files, script.replace("ldap://0.0.0.0:389/", listens)

    def broker(last: int, *lines: str) -> Host:
        files = {"m.conf": _BROKER + "\n".join(lines) + "\n", **papers(last)}
        return (
            "first",
            files,
            "cp /key.pem /k; chown mosquitto /k; sed -i s,/key.pem,/k, /m.conf; exec mosquitto -c /m.conf",
        )

    def database(last: int, how: str) -> Host:
        return "first", {"pg_hba.conf": f"hostssl all all 0.0.0.0/0 {how}\n", **papers(last)}, _POSTGRES

    return {
        11: directory(11, "ldaps://0.0.0.0:636/"),
        12: directory(12, "ldaps://0.0.0.0:636/", "disallow bind_anon", "require authc"),
        13: directory(13, "ldap://0.0.0.0:389/", "security tls=1"),
        14: broker(14, "allow_anonymous true"),
        15: broker(15, "allow_anonymous false"),
        16: broker(16, "allow_anonymous true", "require_certificate true", "cafile /crt.pem"),
        17: ("first", papers(17), f"{_REDIS} --tls-auth-clients no"),
        18: ("first", papers(18), f"{_REDIS} --tls-auth-clients no --requirepass long-and-secret"),
        19: database(19, "trust"),
        20: database(20, "scram-sha-256"),
    }  # fmt: skip


def hangs_up(channel: socket.socket) -> None:
    """A database that offers TLS and breaks it off; in clear it refuses."""
    if channel.recv(64)[4:] == b"\x04\xd2\x16\x2f":
        channel.sendall(b"S")
        channel.recv(4096)
    else:
        channel.sendall(b"E\0\0\0\x1eSFATAL\0C28000\0Mno entry.\0\0")


def greets_late(channel: socket.socket) -> None:
    """An SSH server that looks for its peer's name first."""
    time.sleep(1.2)
    channel.sendall(b"SSH-2.0-late\r\n")
    if channel.recv(64).startswith(b"SSH-2.0"):
        channel.sendall(_KEXINIT)
        channel.recv(64)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Iterator[audits.Audit]:
    trees = root.trees()
    with Ground() as ground:
        for last, (tree, files, script) in hosts().items():
            ground.host(last, trees[tree], files, script)
        stubs.tcp(ground, 21, 5432, hangs_up)
        stubs.tcp(ground, 22, 80, greets_late)
        ground.wait(PORTS)
        yield audits.audit(ground, tmp_path_factory.mktemp("runs"))


def test_who_lets_anybody_in_behind_tls_is_found_and_nobody_else(done: audits.Audit) -> None:
    assert done.found == FOUND


def test_who_asks_for_a_login_behind_tls_holds(done: audits.Audit) -> None:
    told = json.loads((done.folder / "verdicts.json").read_text())["verdicts"]
    outcomes = {(one["rule"], audits.host_of(one["subject"])): one["outcome"] for one in told}
    assert {one: outcomes.get(one) for one in SOUND} == dict.fromkeys(SOUND, "holds")


def test_where_tls_cannot_be_had_nothing_is_called_sound(done: audits.Audit) -> None:
    rules = {rule for rule, _last in FOUND} | {"LAN-010"}
    assert {one for one in done.unknown if one[0] in rules} == UNKNOWN
