"""Files that are handed out: FTP, rsync modules, and configurations over TFTP (RFC 1350); nothing is fetched beyond a first block."""

from __future__ import annotations

import re

from audits.lan.door import Door, Talk
from audits.lan.looks.conversation import converse, reply, silence
from wizara.audit.orders import Facts
from wizara.audit.untrusted import untrusted

_HELLO = b"@RSYNCD: 31.0\n"
_MODULES = 8
#: Names under which network devices and boot servers keep configurations.
_NAMES = (
    "startup-config", "running-config", "network-confg", "router-confg", "switch-confg", "cisconet.cfg", "config.cfg",
    "backup.cfg", "vrpcfg.cfg", "pxelinux.cfg/default",
)  # fmt: skip
_DATA, _ERROR = b"\0\3", b"\0\5"


async def ftp(door: Door, ip: str, port: int) -> Facts:
    """Try an anonymous login (RFC 1635), and leave."""

    async def script(talk: Talk) -> Facts:
        banner = await reply(talk)
        if not banner.startswith(b"220"):
            return silence(banner)
        answer = await reply(talk, "USER anonymous")
        if answer.startswith((b"500", b"502")):  # USER is FTP's first word: who does not know it is no such server
            return silence(banner)
        if answer.startswith(b"331"):
            answer = await reply(talk, "PASS audit@example.org")
        inside = answer.startswith(b"230")
        writable = inside and await _takes_files(talk)
        await reply(talk, "QUIT")
        return {"banner": untrusted(banner), "anonymous": inside, "writable": writable, "reply": untrusted(answer)}

    return await converse(door, ip, port, script)


async def _takes_files(talk: Talk) -> bool:
    """Say whether a stranger may leave files, without leaving one.

    A server with MLST tells (RFC 3659 §7.5.5: ``c`` and ``m`` are permissions to create). Another is asked to store under
    the folder's own name, which no server can do: it says "not permitted" (5xx of permission) before it comes to that, or not.
    """
    told = re.search(rb"(?i)[; ]perm=([a-z]*)", await reply(talk, "MLST"))
    if told:
        return bool({*b"cm"} & {*told[1].lower()})
    return (await reply(talk, "STOR ."))[:3] in {b"425", b"553", b"451", b"503", b"150"}


async def rsync(door: Door, ip: str, port: int) -> Facts:
    """List the modules, and ask of each whether it wants a password; no file is listed."""

    async def names(talk: Talk) -> Facts:
        greeting = await talk.hear_until(lambda heard: heard.endswith(b"\n"), 512)
        if not greeting.startswith(b"@RSYNCD:"):
            return silence(greeting)
        await talk.say(_HELLO + b"\n")
        listed = await talk.hear_until(lambda heard: b"@RSYNCD: EXIT" in heard, 16384)
        lines = listed.split(b"@RSYNCD: EXIT")[0].splitlines()
        found = [line.split(b"\t")[0].strip().decode("utf-8", "replace") for line in lines if b"\t" in line]
        return {"modules": [*found[:_MODULES]]}

    facts = await converse(door, ip, port, names)
    modules = facts.get("modules")
    if not isinstance(modules, list):
        return facts
    free = [untrusted(str(one)) for one in modules if await _is_free(door, ip, port, str(one))]
    listed = [untrusted(str(one)) for one in modules]
    return {"open": bool(free), "modules": [*listed], "reply": ", ".join(free)}


async def _is_free(door: Door, ip: str, port: int, module: str) -> bool:
    async def script(talk: Talk) -> Facts:
        await talk.hear_until(lambda heard: heard.endswith(b"\n"), 512)
        await talk.say(_HELLO + module.encode() + b"\n")
        reply = await talk.hear_until(lambda heard: b"@RSYNCD:" in heard or b"@ERROR" in heard, 4096)
        return {"free": b"@RSYNCD: OK" in reply}

    return (await converse(door, ip, port, script)).get("free") is True


async def tftp(door: Door, ip: str, port: int) -> Facts:
    """Ask for files by the names of configurations until one comes; the transfer is broken off after its first block."""
    answered = False
    for name in _NAMES:
        reply = await door.udp_from_any_port(ip, port, b"\0\1" + name.encode() + b"\0octet\0", b"\0\5\0\0enough\0")
        if reply is None and not answered:
            return silence()
        answered = answered or (reply or b"")[:2] in {_DATA, _ERROR}
        if reply and reply.startswith(_DATA):
            return {"open": True, "reply": name}
    return {"open": False} if answered else silence()
