"""Web servers: the front page, and whether the history of the site's source lies beside it."""

from __future__ import annotations

import base64
import re
import ssl

from audits.lan.door import Door
from audits.lan.looks.conversation import authority, silence
from audits.lan.tls import any_tls, spoken
from audits.lan.tries import locks
from wizara.audit.orders import Facts
from wizara.audit.untrusted import untrusted

_ASKS = (b"HTTP/1.1 401", b"HTTP/1.0 401")
_LISTING = re.compile(rb"<title>\s*(Index of|Directory listing for) /|href=\"\?C=N;O=D\"", re.IGNORECASE)
_HEAD = re.compile(rb"\r\n\r\n(ref: refs/\S+|[0-9a-f]{40})\s*$")
_DEVICE = re.compile(
    rb"toner|cartridge|cartouche|printer status|imprimante|embedded web server|laserjet|print server", re.IGNORECASE
)
_TITLE = re.compile(rb"<title[^>]*>(.{0,512}?)</title", re.IGNORECASE | re.DOTALL)
_HEADER = re.compile(rb"^([A-Za-z-]{1,40}):[ \t]*(.{0,1000})$")
_LOGIN = 10.0
"""Seconds that the answer to a login may take: many servers answer a wrong one late, and that is no lockout."""
_BAD, _HOPS = 400, 2
#: Where a visitor is sent on to (RFC 9110 §15.4): scheme, host, port, path.
_SENT_ON = re.compile(
    rb"(?is)\AHTTP/1\.[01] 30[12378] .*?\r\nlocation:[ \t]*(?:(https?)://([a-z0-9.-]{1,253})(?::(\d{1,5}))?)?"
    rb"((?!//|[a-z][a-z0-9+.-]*:)[!-\"$-~]{0,512})(?:#[!-~]*)?[ \t]*\r\n"
)
#: A header that container engines send with every answer, refusals included.
_ENGINE = re.compile(rb"\A[^\0]{0,2000}?\r\napi-version:", re.IGNORECASE)
_SEARCH = re.compile(rb"\"cluster_name\"\s*:.*\"cluster_uuid\"\s*:|\"lucene_version\"", re.DOTALL)


async def http(door: Door, ip: str, port: int) -> Facts:
    """GET / and /.git/HEAD in clear."""
    facts = await _site(door, ip, port, None)
    if facts.get("status") == _BAD and await spoken(door, ip, port):
        return silence()  # a server of TLS that explains itself in clear
    return facts


async def https(door: Door, ip: str, port: int) -> Facts:
    """The same over TLS, whatever the certificate."""
    return await _site(door, ip, port, any_tls())


async def _site(door: Door, ip: str, port: int, tls: ssl.SSLContext | None) -> Facts:
    answer = await _get(door, ip, port, tls, "/")
    facts = http_facts(answer)
    if facts.get("answer") is False:
        return facts
    shown = await _front(door, ip, port, tls, answer)
    seen = http_facts(shown)
    body = shown.partition(b"\r\n\r\n")[2]
    good = seen.get("status") == 200
    facts |= {
        "title": facts["title"] or seen.get("title", ""),
        "password_form": seen.get("password_form") is True or facts["password_form"],
        "listing": good and _LISTING.search(body) is not None,
        "device": good and _DEVICE.search(body) is not None,
        "search_engine": good and _SEARCH.search(body) is not None,
        "container_engine": _ENGINE.search(answer) is not None and await _is_engine(door, ip, port, tls),
    }
    history = await _get(door, ip, port, tls, "/.git/HEAD")
    facts["git"] = history.startswith((b"HTTP/1.1 200", b"HTTP/1.0 200")) and _HEAD.search(history) is not None
    return facts


async def _front(door: Door, ip: str, port: int, tls: ssl.SSLContext | None, answer: bytes) -> bytes:
    """Return the page that a visitor of / is sent on to, at this very server; *answer* where he is not, or elsewhere."""
    for _hop in range(_HOPS):
        path = _here(answer, ip, port, encrypted=tls is not None)
        if not path:
            break
        answer = await _get(door, ip, port, tls, path) or answer
    return answer


def _here(answer: bytes, ip: str, port: int, *, encrypted: bool) -> str:
    """Return the path of this server that *answer* sends on to; none where it sends nowhere, elsewhere, or to TLS."""
    found = _SENT_ON.search(answer.partition(b"\r\n\r\n")[0] + b"\r\n")
    if not found:
        return ""
    scheme, name, number, path = (part.decode() if part else "" for part in found.groups())
    if not name:
        return f"/{path.lstrip('/')}"
    other = scheme.lower() != ("https" if encrypted else "http") or int(number or (443 if encrypted else 80)) != port
    return "" if other or (name.replace(".", "").isdigit() and name != ip) else path or "/"


async def _is_engine(door: Door, ip: str, port: int, tls: ssl.SSLContext | None) -> bool:
    """Ask for the version of its interface, as any client of a container engine does first."""
    told = await _get(door, ip, port, tls, "/version")
    return http_facts(told).get("status") == 200 and b'"ApiVersion"' in told and b'"MinAPIVersion"' in told


async def _get(
    door: Door, ip: str, port: int, tls: ssl.SSLContext | None, path: str, *further: str, patience: float | None = None
) -> bytes:
    """Return the answer to a GET; nothing of it within *patience* seconds (the profile's own where None) is no answer."""
    lines = (
        f"GET {path} HTTP/1.1",
        f"Host: {authority(ip)}",
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
            first = await talk.hear(65536, seconds=patience)
            return first + (await talk.hear_until(lambda _heard: False, 65536) if first else b"")
    except (TimeoutError, OSError):
        return b""


def http_facts(answer: bytes) -> Facts:
    """Return status, title, server, authentication scheme and login form of an HTTP *answer*."""
    head, _blank, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    status = re.fullmatch(rb"HTTP/1\.[01] (\d{3})(?: .*)?", first)
    if not status:
        return silence(answer)
    found = [(match[1].lower(), match[2]) for line in lines[:100] if (match := _HEADER.match(line))]
    headers = dict(found)
    schemes = b", ".join(value for name, value in found if name == b"www-authenticate")
    title = _TITLE.search(body)
    return {
        "status": int(status[1]),
        "title": untrusted(b" ".join(title[1].split())) if title else "",
        "server": untrusted(headers.get(b"server", b"")),
        "authenticate": untrusted(schemes),
        "location": untrusted(headers.get(b"location", b"")),
        "password_form": re.search(rb"type\s*=\s*[\"']?password", body, re.IGNORECASE) is not None,
    }


async def factory_login(door: Door, ip: str, port: int) -> Facts:
    """Where that is wanted, try the login that most devices come with, once; only where Basic authentication is asked for."""
    return await _factory_login(door, ip, port, None)


async def factory_login_over_tls(door: Door, ip: str, port: int) -> Facts:
    """The same over TLS."""
    return await _factory_login(door, ip, port, any_tls())


async def _factory_login(door: Door, ip: str, port: int, tls: ssl.SSLContext | None) -> Facts:
    if not door.orders.logins:
        return silence()
    if not (await _get(door, ip, port, tls, "/")).startswith(_ASKS):
        return silence()
    if why := door.may_log_in(ip, "admin"):
        return {"untried": why}
    word = base64.b64encode(b"admin:admin").decode()
    answer = await _get(door, ip, port, tls, "/", f"Authorization: Basic {word}", patience=_LOGIN)
    let_in = re.match(rb"HTTP/1\.[01] 2\d\d ", answer) is not None
    if not let_in and locks(answer):
        door.tries.stop()
        return {"open": False, "account": "admin", "locked": True}
    if re.match(rb"HTTP/1\.[01] 3\d\d ", answer):
        return {"untried": "sent-on"}  # to the page behind the login, or back to it: both are done
    return {"open": let_in, "account": "admin"}
