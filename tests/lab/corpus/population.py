"""The whole corpus on one bridge: raised in one go, waited for, and gone with the process."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from corpus import first, root, second, stubs
from corpus.ground import Ground
from corpus.papers import Authority
from corpus.table import CONTROLS, PLANTS

_CLUSTER = b'{"name":"n","cluster_name":"docs","cluster_uuid":"x","version":{"number":"7.10.2","lucene_version":"8.7.0"},"tagline":"You Know, for Search"}'
_PRINTER = b"<html><title>LaserJet 4250</title><body>Toner: 40 % <a href=/config>Configuration</a></body></html>"
_AUTH = b"250-mail\r\n250-AUTH PLAIN LOGIN\r\n250 8BITMIME\r\n"
_REFUSED = b"554 5.7.1 relay denied\r\n"
_POP = {b"CAPA": b"-ERR unknown\r\n", b"USER": b"+OK send PASS\r\n", b"QUIT": b"+OK\r\n"}
_EXPORT, _SSL3 = (0x0003, 0x0008), (0x002F, 0x000A)
#: TCP ports that must answer before the corpus is up; where nothing is named, the host has none or needs no wait.
_READY = {
    11: 23, 12: 79, 13: 7, 15: 21, 16: 21, 18: 80, 19: 110, 20: 5900, 21: 6000, 31: 445, 32: 445, 33: 445, 35: 111, 36: 873,
    37: 389, 38: 389, 39: 111, 26: 22, 40: 22, 41: 22, 42: 22, 43: 22, 44: 22, 45: 443, 46: 443, 47: 443, 48: 443, 49: 443, 50: 443, 51: 443,
    53: 443, 55: 443, 56: 443, 57: 6379, 58: 11211, 59: 11211, 60: 1883, 61: 5432, 62: 3306, 65: 53, 66: 53, 67: 53, 70: 25, 71: 25,
    79: 80, 80: 80, 101: 2121, 103: 22, 104: 53, 105: 25, 106: 80, 107: 8090, 108: 443, 111: 5901, 113: 8000, 115: 2525, 117: 79,
    118: 8443, 201: 22, 202: 443, 203: 445, 205: 389, 206: 53, 208: 25, 211: 21, 212: 6379, 213: 1883, 215: 110, 216: 5432, 218: 873,
    219: 5900,
}  # fmt: skip


class Corpus(Ground):
    """The ground with everything planted on it."""

    def __init__(self, wanted: Iterable[int] | None = None) -> None:
        super().__init__()
        self.wanted = {*wanted} if wanted is not None else {one.last for one in PLANTS} | {*CONTROLS}
        self.heard: list[tuple[int, int]] = []
        """(port, bytes) of every connection to a port that must get no byte."""

    def plant(self, seconds: float = 60.0) -> None:
        """Raise everything; TimeoutError names the hosts that did not come up in time."""
        trees, authority = root.trees(), Authority()
        for last, (tree, files, script) in (first.hosts(authority) | second.hosts(authority)).items():
            if last in self.wanted:
                self.host(last, trees[tree], files, script)
        self._stubs()
        for last in self.wanted & {76, 209, 210, 214}:
            self.plug(last)
        if 76 in self.wanted:
            self.twin(76)
        for last in self.wanted & {209, 214}:
            self._filter(last)
        self.wait({last: port for last, port in _READY.items() if last in self.wanted}, seconds)

    def _stubs(self) -> None:
        say = [
            (25, 80, stubs.guarded_page(b"YWRtaW46YWRtaW4=")), (27, 23, stubs.says(b"\xff\xfd\x18\xff\xfd\x20\r\nUser Access Verification\r\n\r\nUsername: ")),
            (14, 513, stubs.answers(b"\x01rlogind: Permission denied.\r\n")), (14, 514, stubs.answers(b"\x01Permission denied.\n")),
            (29, 4786, stubs.smart_install), (30, 8291, stubs.winbox), (30, 8728, stubs.routeros),
            (52, 443, stubs.tls_hello(0x0300, _SSL3)), (54, 443, stubs.tls_hello(0x0301, _EXPORT)),
            (63, 27017, stubs.mongodb(1.0)), (64, 9200, stubs.page(_CLUSTER, b"HTTP/1.1 200 OK\r\nContent-Type: application/json")),
            (72, 25, stubs.relay(b"220 mail ESMTP\r\n", _AUTH, _REFUSED)), (77, 80, stubs.page(_PRINTER)),
            (102, 2323, stubs.says(b"\r\nPABX login: ")), (110, 110, stubs.replies(_POP, b"+OK ready\r\n", b"-ERR\r\n")),
        ]  # fmt: skip
        say += [(77, port, stubs.canary(self.heard, port)) for port in (515, 631, 9100)]
        say += [(78, 502, stubs.canary(self.heard, 502)), (214, 80, stubs.page(_PRINTER))]
        for last, port, talk in say:
            if last in self.wanted:
                stubs.tcp(self, last, port, talk)
        for last, port, answer in ((28, 623, stubs.ipmi), (69, 123, stubs.ntp_monitor)):
            if last in self.wanted:
                stubs.udp(self, last, port, answer)

        if 75 in self.wanted:
            stubs.llmnr(self, 75)

    def _filter(self, last: int) -> None:
        rules = "add table inet f; add chain inet f i { type filter hook input priority 0; policy drop; }"
        subprocess.run(self.command(last, "nft", rules), check=True, capture_output=True)


@contextmanager
def corpus(wanted: Iterable[int] | None = None) -> Iterator[Corpus]:
    """Raise the corpus, or the hosts *wanted* of it, for as long as the ``with`` lasts."""
    with Corpus(wanted) as ground:
        ground.plant()
        yield ground
