"""Real daemons at ports that mean something else are judged by their language; what stays unknown is told, with its reason."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from corpus import audits, root, stubs
from corpus.first import Host, slapd, vsftpd
from corpus.ground import Ground
from corpus.papers import Authority
from corpus.second import TLS, nginx, s_server

pytestmark = pytest.mark.lab

_POSTGRES = (
    "mkdir -p /run/postgresql; chown postgres /run/postgresql /var/lib/postgresql; cd /tmp; B=/usr/lib/postgresql/$(ls /usr/lib/postgresql)/bin;"
    " D=/var/lib/postgresql/y; cp /pg_hba.conf /tmp/hba; chmod 644 /tmp/hba;"
    ' setpriv --reuid postgres --regid postgres --clear-groups sh -c "$B/initdb -N -D $D -A trust >/dev/null;'
    " exec $B/postgres -D $D -p 5000 -c listen_addresses='*' -c hba_file=/tmp/hba -c fsync=off -c shared_buffers=4MB\""
)
#: admin, with the password admin.
_ADMIN = "admin:{PLAIN}admin\n"
_LOGIN = "<title>Portail</title><form><input name=u><input type=password name=p></form>"
_FORM = "listen 8008; location = / { return 302 /login; } location = /login { default_type text/html; try_files /login.html =404; }"
_ENGINE = b'{"Platform":{"Name":""},"Version":"24.0.7","ApiVersion":"1.43","MinAPIVersion":"1.12"}'
_SHOP = b"<html><title>Fournitures</title><body>Cartouche de toner, papier</body></html>"
#: last → the port that stands for something else there.
PORTS = {11: 8081, 12: 5000, 13: 3000, 14: 9000, 15: 9090, 16: 8008, 17: 8443, 18: 21, 19: 8888}
FOUND = {
    ("RED-001", 11), ("PGS-001", 12), ("LDP-001", 13), ("LDP-002", 13), ("MQT-001", 14), ("TLS-001", 15), ("WEB-001", 16),
    ("WEB-003", 17), ("FTP-001", 18), ("DOC-001", 20), ("SOC-001", 21), ("RTS-001", 22), ("MSS-001", 23),
}  # fmt: skip
UNKNOWN = {("LAN-010", 24, "unrecognised"), ("PRI-001", 25, "printer")}


def hosts() -> Mapping[int, Host]:
    authority = Authority()
    tree, files, script = slapd(papers={})
    basic = "listen 8443 ssl;" + TLS.partition(";")[2] + ' auth_basic "x"; auth_basic_user_file /ht;'
    return {
        11: ("first", {}, "exec redis-server --port 8081 --protected-mode no --save ''"),
        12: ("first", {"pg_hba.conf": "host all all 0.0.0.0/0 trust\n"}, _POSTGRES),
        13: (tree, files, script.replace(":389", ":3000")),
        14: ("first", {"m.conf": "listener 9000\nallow_anonymous true\n"}, "exec mosquitto -c /m.conf"),
        15: s_server(authority.papers("a.min.test"), "-accept", "9090", "-tls1", "-cipher", "ECDHE-RSA-AES128-SHA:@SECLEVEL=0"),
        16: nginx(_FORM, files={"srv/web/login.html": _LOGIN}),
        17: nginx(basic, authority.papers("b.min.test"), {"ht": _ADMIN}),
        18: vsftpd("anonymous_enable=YES", "ftpd_banner=fichiers du ministere; le courrier passe par smtp"),
        19: s_server(authority.papers("c.min.test"), "-accept", "8888", "-no_tls1", "-no_tls1_1", "-cipher", "ECDHE+AESGCM"),
    }  # fmt: skip


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Iterator[audits.Audit]:
    trees = root.trees()
    with Ground() as ground:
        for last, (tree, files, script) in hosts().items():
            ground.host(last, trees[tree], files, script)
        engine = {b"GET /VERSION": _ENGINE}
        stubs.tcp(ground, 20, 2375, stubs.routes(engine, b"HTTP/1.1 404 Not Found\r\nApi-Version: 1.43"))
        stubs.tcp(ground, 21, 1080, stubs.exactly({b"\x05\x01\x00": b"\x05\x00"}))
        stubs.tcp(
            ground,
            22,
            554,
            stubs.replies({b"OPTIONS": b"RTSP/1.0 200 OK\r\n\r\n", b"DESCRIBE": b"RTSP/1.0 200 OK\r\n\r\n"}),
        )
        stubs.tcp(
            ground, 23, 1433, stubs.says(b"", b"\4\1\0\x1a\0\0\1\0\0\0\x0b\0\6\1\0\x11\0\1\xff" + bytes(6) + b"\2")
        )
        stubs.tcp(ground, 24, 9000, stubs.exactly({}))
        stubs.tcp(ground, 25, 80, stubs.page(_SHOP))
        ground.wait({**PORTS, 20: 2375, 21: 1080, 22: 554, 23: 1433, 24: 9000, 25: 80})
        yield audits.audit(ground, tmp_path_factory.mktemp("runs"), "--profile", "fast")


def test_weak_services_are_found_at_ports_that_mean_something_else(done: audits.Audit) -> None:
    assert done.found == FOUND


def test_what_is_not_recognised_is_told_as_unknown_with_its_reason(done: audits.Audit) -> None:
    assert {one for one in done.unknown if one[0] in {"LAN-010", "PRI-001"}} == UNKNOWN
