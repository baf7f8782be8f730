"""Web servers: the front page, and whether the history of the site's source lies beside it."""

from __future__ import annotations

import base64
import re
import ssl

from audits.lan import talks
from audits.lan.door import Door
from audits.lan.looks.conversation import silence
from audits.lan.tls import any_tls
from audits.lan.tries import locks
from wizara.audit.orders import Facts

_ASKS = (b"HTTP/1.1 401", b"HTTP/1.0 401")
_LISTING = re.compile(rb"<title>\s*(Index of|Directory listing for) /|href=\"\?C=N;O=D\"", re.IGNORECASE)
_HEAD = re.compile(rb"\r\n\r\n(ref: refs/\S+|[0-9a-f]{40})\s*$")
_DEVICE = re.compile(
    rb"toner|cartridge|cartouche|printer status|imprimante|embedded web server|laserjet|print server", re.IGNORECASE
)
_SEARCH = re.compile(rb"\"cluster_name\"\s*:.*\"cluster_uuid\"\s*:|\"lucene_version\"", re.DOTALL)


async def http(door: Door, ip: str, port: int) -> Facts:
    """GET / and /.git/HEAD in clear."""
    return await _site(door, ip, port, None)


async def https(door: Door, ip: str, port: int) -> Facts:
    """The same over TLS, whatever the certificate."""
    return await _site(door, ip, port, any_tls())


async def _site(door: Door, ip: str, port: int, tls: ssl.SSLContext | None) -> Facts:
    answer = await _get(door, ip, port, tls, "/")
    facts = talks.http_facts(answer)
    if facts.get("answer") is False:
        return facts
    body = answer.partition(b"\r\n\r\n")[2]
    good = facts.get("status") == 200
    facts |= {
        "listing": good and _LISTING.search(body) is not None,
        "device": good and _DEVICE.search(body) is not None,
        "search_engine": good and _SEARCH.search(body) is not None,
    }
    history = await _get(door, ip, port, tls, "/.git/HEAD")
    facts["git"] = history.startswith((b"HTTP/1.1 200", b"HTTP/1.0 200")) and _HEAD.search(history) is not None
    return facts


async def _get(door: Door, ip: str, port: int, tls: ssl.SSLContext | None, path: str, *further: str) -> bytes:
    lines = (
        f"GET {path} HTTP/1.1",
        f"Host: {ip}",
        "User-Agent: wizara-audit",
        "Accept: */*",
        "Connection: close",
        *further,
        "",
        "",
    )
    try:
        async with door.tcp(ip, port, tls=tls) as talk:
            await talk.say("\r\n".join(lines).encode())
            return await talk.hear_until(lambda _heard: False, 65536)
    except (TimeoutError, OSError):
        return b""


async def factory_login(door: Door, ip: str, port: int) -> Facts:
    """Where that is wanted, try the login that most devices come with, once; only where Basic authentication is asked for."""
    if not door.orders.logins:
        return silence()
    if not (await _get(door, ip, port, None, "/")).startswith(_ASKS):
        return silence()
    if why := door.may_log_in(ip, "admin"):
        return {"untried": why}
    word = base64.b64encode(b"admin:admin").decode()
    answer = await _get(door, ip, port, None, "/", f"Authorization: Basic {word}")
    let_in = re.match(rb"HTTP/1\.[01] 2\d\d ", answer) is not None
    if not let_in and locks(answer):
        door.tries.stop()
        return {"open": False, "account": "admin", "locked": True}
    if re.match(rb"HTTP/1\.[01] 3\d\d ", answer):
        return {"untried": "sent-on"}  # to the page behind the login, or back to it: both are done
    return {"open": let_in, "account": "admin"}
