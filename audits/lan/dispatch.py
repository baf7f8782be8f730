"""Which looks are taken at an open port, and inside its TLS: by what it said first, by its number, else in turn; and the datagrams."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from functools import partial

from audits.lan import snmp, ssh, tls
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
    proxies,
    rpc,
    screens,
    smb,
    snmp3,
    web,
)
from audits.lan.ports import HTTPS, TLS
from audits.lan.prompt import asks_for_login
from wizara.audit.orders import Facts

Look = Callable[[Door, str, int], Awaitable[Facts]]
Named = tuple[tuple[str, Look], ...]
"""What is done one after the other where the first of them is answered: (name, look)."""

_WITHIN = "-tls"
"""What ends the name of a look that is taken inside TLS; the observation is of the same kind."""

_SSH: Named = (("ssh", ssh.look),)
_TELNET: Named = (("telnet", legacy.telnet),)
_WEB: Named = (("http", web.http), ("login", web.factory_login))
_TLS: Named = (("tls", tls.look),)
_WEB_WITHIN: Named = (("https", web.https), ("login", web.factory_login_over_tls))
_VNC: Named = (("vnc", screens.vnc),)
_SMTP: Named = (("smtp", mailboxes.smtp),)
_FTP: Named = (("ftp", files.ftp),)
_REDIS: Named = (("redis", databases.redis),)
_POSTGRES: Named = (("postgres", databases.postgres),)
_MONGODB: Named = (("mongodb", databases.mongodb),)
_MQTT: Named = (("mqtt", databases.mqtt),)
_LDAP: Named = (("ldap", ldap.ldap),)
_MEMCACHED: Named = (("memcached", databases.memcached),)
_SOCKS: Named = (("socks", proxies.socks),)

#: What a service says first → what it is; whatever the number of its port.
_FIRST: tuple[tuple[re.Pattern[bytes], tuple[Named, ...]], ...] = (
    (re.compile(rb"SSH-\d\.\d+-"), (_SSH,)),
    (re.compile(rb"\xff[\xfb-\xfe][\0-\x31\x8a-\x8c\xff]"), (_TELNET,)),
    (re.compile(rb"RFB \d{3}\.\d{3}\n"), (_VNC,)),
    (re.compile(rb"@RSYNCD: \d"), ((("rsync", files.rsync),),)),
    (re.compile(rb"\+OK[ \r\n]"), ((("pop3", mailboxes.pop3),),)),
    (re.compile(rb"\* (OK|PREAUTH)[ \r\n]"), ((("imap", mailboxes.imap),),)),
    (re.compile(rb".\0\0[\0\1](\x0a[\x20-\x7e]+\0|\xff.[\x03-\x13])", re.DOTALL), ((("mysql", databases.mysql),),)),
    (re.compile(rb"(?i)220[ -][^\r\n]*smtp"), (_SMTP, _FTP)),
    (re.compile(rb"220[ -]"), (_FTP, _SMTP)),
)
_MAIL = frozenset({25, 465, 587, 2525})
#: Kerberos, Windows' RPC, AFP, PPTP, NFS, SIP, and names over TCP: languages that the audit does not speak, and that want no other.
_UNSPOKEN = frozenset({53, 88, 135, 548, 1723, 2049, 5060})
#: Whose usual services greet: what says nothing there is slow, and would take another language for a name at its login.
_GREETING = frozenset({21, 22, 23, 25, 110, 143, 513, 514, 587, 873, 2121, 2222, 2323, 2525, 3306, 5900, 5901})

#: The number of the port → what usually listens there and waits to be spoken to.
_AT: dict[int, Named] = {
    7: (("echo", legacy.echo),), 19: (("chargen", legacy.chargen),), 21: _FTP, 23: _TELNET, 2323: _TELNET,
    25: _SMTP, 79: (("finger", legacy.finger),), 110: (("pop3", mailboxes.pop3),),
    111: (("rpc", rpc.portmapper), ("nfs", rpc.exports)), 139: (("smb", smb.smb),), 143: (("imap", mailboxes.imap),),
    389: _LDAP, 445: (("smb", smb.smb),), 513: (("rlogin", legacy.rlogin),), 514: (("rsh", legacy.rsh),),
    554: (("rtsp", screens.rtsp),), 873: (("rsync", files.rsync),), 1080: _SOCKS, 1433: (("tds", databases.tds),), 1883: _MQTT,
    3306: (("mysql", databases.mysql),), 3389: (("tls", tls.look),), 4786: (("smart_install", appliances.smart_install),),
    5432: _POSTGRES, 6379: _REDIS, 8291: (("winbox", appliances.winbox),), 8728: (("routeros", appliances.routeros),),
    11211: _MEMCACHED, 27017: _MONGODB,
    **dict.fromkeys((5900, 5901), _VNC), **dict.fromkeys((6000, 6001), (("x11", screens.x11),)),
}  # fmt: skip
#: What else is tried where a service says nothing unasked and its port's usual language is not understood, likeliest first.
_SEARCHED: tuple[Named, ...] = (
    (("tls", tls.look_where_spoken),), _REDIS, _POSTGRES, _MONGODB, _MQTT, _LDAP, _MEMCACHED, _SOCKS,
)  # fmt: skip
#: The number of a port of TLS → what usually speaks inside it; of others, what speaks there in clear.
_AT_WITHIN: dict[int, Named] = {636: _LDAP, 3269: _LDAP, 6380: _REDIS, 8883: _MQTT}
#: Mail inside TLS is judged by its certificate alone, and screens inside TLS not at all: nothing else is asked there.
_UNSPOKEN_WITHIN = frozenset({465, 990, 993, 995, 3389})


def candidates(port: int, heard: bytes) -> tuple[Named, ...]:
    """Return what an open *port* that said *heard* may be, likeliest first; nothing where it is not to be spoken to."""
    if port in _MAIL and heard.startswith(b"220"):
        return (_SMTP, _FTP)
    by_words = next((found for pattern, found in _FIRST if pattern.match(heard)), ())
    if by_words:
        return by_words
    if heard:
        talks_on = legacy.rotates(heard)
        prompts = asks_for_login(heard.decode("latin-1"))
        named = (("chargen", legacy.chargen),) if talks_on else _TELNET if prompts else None
        usual = _AT.get(port) if port in _GREETING else None  # who waits to be spoken to says nothing unasked
        return (named,) if named else (usual,) if usual else ()
    if port in _UNSPOKEN:
        return ()
    at = _AT.get(port)
    if port in _GREETING:
        return (at,) if at else ()
    usual = at or (_TLS if port in HTTPS | TLS else None)
    return (usual, _WEB) if usual else (_WEB,)


def greets(port: int) -> bool:
    """Say whether the usual services of *port* speak first."""
    return port in _GREETING


def searched(port: int, tried: Iterable[Named]) -> tuple[Named, ...]:
    """Return what else is asked at a *port* where none of the *tried* was answered: languages that harm nobody who speaks another."""
    if port in _UNSPOKEN | _GREETING:
        return ()
    names = {named[0][0] for named in tried}
    return tuple(named for named in _SEARCHED if named[0][0] not in names)


def candidates_within(port: int) -> tuple[Named, ...]:
    """Return what may speak inside TLS at *port*, likeliest first; nothing where nothing is asked there."""
    if port in _UNSPOKEN_WITHIN:
        return ()
    usual = _AT_WITHIN.get(port) or (_AT.get(port) if _AT.get(port) in _SEARCHED else None)
    return (_within(usual), _WEB_WITHIN) if usual else (_WEB_WITHIN,)


def searched_within(port: int, tried: Iterable[Named]) -> tuple[Named, ...]:
    """Return what else is asked inside TLS at *port* where none of the *tried* was answered."""
    names = {named[0][0] for named in tried}
    others = (_within(named) for named in _SEARCHED[1:])
    return tuple(named for named in others if named[0][0] not in names)


def _within(named: Named) -> Named:
    return tuple((f"{name}{_WITHIN}", partial(_look_within, look)) for name, look in named)


async def _look_within(look: Look, door: Door, ip: str, port: int) -> Facts:
    return await look(door.within(tls.any_tls()), ip, port)


def kind_of(name: str) -> str:
    """Return the kind of observation that the look of this *name* makes."""
    return "http" if name == "https" else name.removesuffix(_WITHIN)


def datagrams() -> tuple[tuple[str, int, Look], ...]:
    """Return (name, UDP port, look) of every question that each living host is asked."""
    return (
        *(("snmp", 161, partial(snmp.look, community=community)) for community in snmp.COMMUNITIES),
        ("snmp3", 161, snmp3.snmp3), ("echo_udp", 7, legacy.echo_datagram), ("dns", 53, names.dns), ("tftp", 69, files.tftp),
        ("ntp", 123, clocks.ntp), ("netbios", 137, names.netbios), ("ipmi", 623, appliances.ipmi),
        ("memcached_udp", 11211, databases.memcached_datagram),
    )  # fmt: skip
