"""Web servers: the front page, and whether the history of the site's source lies beside it."""

from __future__ import annotations

import base64
import re
import ssl
from urllib.parse import SplitResult, urljoin, urlsplit

from audits.lan.authentication import offers_basic
from audits.lan.door import Door
from audits.lan.looks import pages
from audits.lan.looks.conversation import authority, silence
from audits.lan.tls import any_tls, spoken
from audits.lan.tries import locks
from wizara.audit.orders import Facts
from wizara.audit.untrusted import untrusted

_ASKS = (b"HTTP/1.1 401", b"HTTP/1.0 401")
_HEAD = re.compile(rb"\r\n\r\n(ref: refs/\S+|[0-9a-f]{40})\s*$")
_DEVICE = re.compile(
    rb"toner|cartridge|cartouche|printer status|imprimante|embedded web server|laserjet|print server", re.IGNORECASE
)
_NAME = re.compile(rb"[A-Za-z-]{1,40}")
_LINES, _LONG = 100, 1000
"""Lines of a head that are read, and bytes of a value: what is longer is no header that means anything here."""
_LOGIN = 10.0
"""Seconds that the answer to a login may take: many servers answer a wrong one late, and that is no lockout."""
_GOOD, _BAD, _HOPS = 200, 400, 2
_SENT_ON = frozenset({301, 302, 303, 307, 308})
#: What a reference to a page may be written in (RFC 3986 §2).
_REFERENCE = re.compile(r"[!-~]{1,512}")
_CLUSTER = (re.compile(rb"\"cluster_name\"\s*:"), re.compile(rb"\"cluster_uuid\"\s*:"))
_DEFAULT = {"http": 80, "https": 443}


async def http(door: Door, ip: str, port: int) -> Facts:
    """GET / and /.git/HEAD in clear."""
    facts = await _site(door, ip, port, None)
    if (facts.get("status") == _BAD or _sends_to_tls(facts, port)) and await spoken(door, ip, port):
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
    seen = [http_facts(one) for one in shown]
    bodies = [_body(one) for one, told in zip(shown, seen, strict=True) if told.get("status") == _GOOD]
    facts |= {
        "title": next((told["title"] for told in seen if told.get("title")), ""),
        "authenticate": next((told["authenticate"] for told in seen if told.get("authenticate")), ""),
        "password_form": any(told.get("password_form") is True for told in seen),
        "listing": any(map(pages.lists_files, bodies)),
        "device": any(_DEVICE.search(body) for body in bodies),
        "search_engine": any(map(_searches, bodies)),
        "container_engine": "api-version" in dict(_headers(answer)) and await _is_engine(door, ip, port, tls),
    }
    history = await _get(door, ip, port, tls, "/.git/HEAD")
    facts["git"] = history.startswith((b"HTTP/1.1 200", b"HTTP/1.0 200")) and _HEAD.search(history) is not None
    return facts


def _searches(body: bytes) -> bool:
    """Say whether *body* is what a search engine tells of itself."""
    return b'"lucene_version"' in body or all(one.search(body) for one in _CLUSTER)


def _body(answer: bytes) -> bytes:
    return answer.partition(b"\r\n\r\n")[2]


async def _front(door: Door, ip: str, port: int, tls: ssl.SSLContext | None, answer: bytes) -> list[bytes]:
    """Return *answer*, and the pages that a visitor of / is sent on to by it, as long as they are of this very server."""
    page, shown = "/", [answer]
    for _hop in range(_HOPS):
        path = _here(shown[-1], ip, port, page, encrypted=tls is not None)
        further = await _get(door, ip, port, tls, path) if path not in {"", page} else b""
        if not further:
            break
        page = path
        shown.append(further)
    return shown


def _here(answer: bytes, ip: str, port: int, page: str, *, encrypted: bool) -> str:
    """Return the path of this server that *answer* to a GET of *page* sends on to; none where it sends nowhere or elsewhere.

    Another name is elsewhere, whatever it stands for; a query is never sent along, for it may ask for something to be done.
    """
    facts = http_facts(answer)
    by_page = facts.get("status") not in _SENT_ON
    found = _reference(_by_page(answer) if by_page else str(facts.get("location", "")))
    scheme = "https" if encrypted else "http"
    if found is None or found.scheme not in {"", scheme}:
        return ""
    if found.netloc:
        bare = ip.partition("%")[0].lower()
        same = (found.hostname, found.port or _DEFAULT[scheme]) == (bare, port) and "@" not in found.netloc
        return (found.path or "/") if same else ""
    return found.path if found.path.startswith("/") or not found.path else urljoin(page, found.path)


def _by_page(answer: bytes) -> str:
    """Return where a page itself sends its visitors on to: by a header that browsers heed, or in its own text."""
    return pages.refreshed(dict(_headers(answer)).get("refresh", b"")) or pages.sends_on(_body(answer))


def _sends_to_tls(facts: Facts, port: int) -> bool:
    """Say whether a visitor in clear is told to come back to this very *port* by TLS."""
    found = _reference(str(facts.get("location", ""))) if facts.get("status") in _SENT_ON else None
    return found is not None and found.scheme == "https" and (found.port or _DEFAULT["https"]) == port


def _reference(text: str) -> SplitResult | None:
    """Return *text* as a reference whose scheme, server and port can be read; None for anything else (RFC 3986 §4.1)."""
    if not _REFERENCE.fullmatch(text):
        return None
    try:
        found = urlsplit(text)
        port = found.port
    except ValueError:
        return None
    whole = found.scheme == "" or found.netloc != ""  # a scheme without a server is no place
    return found if whole and port != 0 else None


async def _is_engine(door: Door, ip: str, port: int, tls: ssl.SSLContext | None) -> bool:
    """Ask for the version of its interface, as any client of a container engine does first."""
    told = await _get(door, ip, port, tls, "/version")
    return http_facts(told).get("status") == _GOOD and b'"ApiVersion"' in told and b'"MinAPIVersion"' in told


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


def _headers(answer: bytes) -> list[tuple[str, bytes]]:
    """Return the headers of *answer*, their names in small letters: each is read once, however it is filled."""
    _first, *lines = answer.partition(b"\r\n\r\n")[0].split(b"\r\n", _LINES + 1)
    parts = [line.partition(b":") for line in lines[:_LINES]]
    told = [(name, value.strip(b" \t")) for name, colon, value in parts if colon and _NAME.fullmatch(name)]
    return [(name.decode().lower(), value) for name, value in told if len(value) <= _LONG]


def http_facts(answer: bytes) -> Facts:
    """Return status, title, server, authentication scheme and login form of an HTTP *answer*."""
    status = re.match(rb"HTTP/1\.[01] (\d{3})(?= |\r\n|\Z)", answer)
    if not status:
        return silence(answer)
    found = _headers(answer)
    headers = dict(found)
    body = _body(answer)
    return {
        "status": int(status[1]),
        "title": untrusted(pages.title(body)),
        "server": untrusted(headers.get("server", b"")),
        "authenticate": untrusted(b", ".join(value for name, value in found if name == "www-authenticate")),
        "location": untrusted(headers.get("location", b"")),
        "password_form": pages.asks_for_password(body),
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
    asked = await _get(door, ip, port, tls, "/")
    if not (asked.startswith(_ASKS) and offers_basic(str(http_facts(asked).get("authenticate", "")))):
        return {"untried": "no-basic"} if asked.startswith(_ASKS) else silence()
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
