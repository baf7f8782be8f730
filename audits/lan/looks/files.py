"""Files that are handed out: rsync modules, and configurations over TFTP (RFC 1350); nothing is fetched beyond the first block."""

from __future__ import annotations

from audits.lan.door import Door, Talk
from audits.lan.looks.conversation import converse, silence
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
