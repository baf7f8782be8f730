"""Which look is taken at which open port: by what it said first, by its number else; and the single datagrams."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from functools import partial

from audits.lan import snmp, ssh, talks, tls
from audits.lan.door import Door
from audits.lan.looks import (
    appliances,
    clocks,
    databases,
    files,
    ldap,
    legacy,
    mailboxes,
    names,
    rpc,
    screens,
    smb,
    snmp3,
    web,
)
from audits.lan.ports import COMMON, HTTP, HTTPS, TLS
from wizara.audit.orders import Facts

Look = Callable[[Door, str, int], Awaitable[Facts]]
Named = tuple[tuple[str, Look], ...]

#: look → the kind of observation it makes, where the two differ
KINDS = {"https": "http"}

_SSH: Named = (("ssh", ssh.look),)
_TELNET: Named = (("telnet", talks.telnet),)
_WEB: Named = (("http", web.http), ("login", web.factory_login))
_TLS_WEB: Named = (("tls", tls.look), ("https", web.https))
_VNC: Named = (("vnc", screens.vnc),)

#: What a service says first → what it is; whatever the number of its port.
_FIRST: tuple[tuple[re.Pattern[bytes], Named], ...] = (
    (re.compile(rb"SSH-"), _SSH),
    (re.compile(rb"\xff[\xfb-\xfe]"), _TELNET),
    (re.compile(rb"RFB \d{3}\.\d{3}\n"), _VNC),
    (re.compile(rb"@RSYNCD:"), (("rsync", files.rsync),)),
    (re.compile(rb"\+OK"), (("pop3", mailboxes.pop3),)),
    (re.compile(rb"\* (OK|PREAUTH)"), (("imap", mailboxes.imap),)),
    (re.compile(rb".\0\0[\0\1](\x0a[\x20-\x7e]+\0|\xff)", re.DOTALL), (("mysql", databases.mysql),)),
    (re.compile(rb"(?i)220[ -][^\r\n]*smtp"), (("smtp", talks.smtp),)),
    (re.compile(rb"220"), (("ftp", talks.ftp),)),
)
_MAIL = frozenset({25, 465, 587, 2525})

#: The number of the port → what usually listens there and waits to be spoken to.
_AT: dict[int, Named] = {
    7: (("echo", legacy.echo),), 19: (("chargen", legacy.chargen),), 21: (("ftp", talks.ftp),), 23: _TELNET, 2323: _TELNET,
    25: (("smtp", talks.smtp),), 79: (("finger", legacy.finger),), 110: (("pop3", mailboxes.pop3),),
    111: (("rpc", rpc.portmapper), ("nfs", rpc.exports)), 139: (("smb", smb.smb),), 143: (("imap", mailboxes.imap),),
    389: (("ldap", ldap.ldap),), 445: (("smb", smb.smb),), 513: (("rlogin", legacy.rlogin),), 514: (("rsh", legacy.rsh),),
    873: (("rsync", files.rsync),), 1883: (("mqtt", talks.mqtt),), 3306: (("mysql", databases.mysql),),
    3389: (("tls", tls.look),), 4786: (("smart_install", appliances.smart_install),), 5432: (("postgres", databases.postgres),),
    6379: (("redis", talks.redis),), 8291: (("winbox", appliances.winbox),), 8728: (("routeros", appliances.routeros),),
    11211: (("memcached", talks.memcached),), 27017: (("mongodb", databases.mongodb),),
    **dict.fromkeys((5900, 5901), _VNC), **dict.fromkeys((6000, 6001), (("x11", screens.x11),)),
}  # fmt: skip


def looks(port: int, heard: bytes) -> Named:
    """Return what to do on an open *port* that said *heard*: by its words, by its number, else as a web server."""
    if port in _MAIL and heard.startswith(b"220"):
        return (("smtp", talks.smtp),)
    first = next((named for pattern, named in _FIRST if pattern.match(heard)), None)
    if first:
        return first
    if port in _AT:
        return _AT[port]
    if port in TLS | HTTPS:
        return _TLS_WEB if port in HTTPS else (("tls", tls.look),)
    return _WEB if port in HTTP or (not heard and port not in COMMON) else ()


def datagrams() -> tuple[tuple[str, int, Look], ...]:
    """Return (name, UDP port, look) of every question that each living host is asked."""
    return (
        *(("snmp", 161, partial(snmp.look, community=community)) for community in snmp.COMMUNITIES),
        ("snmp3", 161, snmp3.snmp3), ("echo_udp", 7, legacy.echo_datagram), ("dns", 53, names.dns), ("tftp", 69, files.tftp),
        ("ntp", 123, clocks.ntp), ("netbios", 137, names.netbios), ("ipmi", 623, appliances.ipmi),
        ("memcached_udp", 11211, databases.memcached_datagram),
    )  # fmt: skip
