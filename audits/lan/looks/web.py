"""Web servers: the front page, and whether the history of the site's source lies beside it."""

from __future__ import annotations

import base64
import re
import ssl
from urllib.parse import SplitResult, urljoin, urlsplit

from audits.lan.authentication import offers_basic
from audits.lan.door import Door
from audits.lan.looks import pages
from audits.lan.looks.answers import LIMIT, Answer, headers, received
from audits.lan.looks.conversation import authority, decided, silence
from audits.lan.tls import any_tls, spoken
from audits.lan.tries import locks
from wizara.audit.orders import Facts
from wizara.audit.untrusted import untrusted

_HEAD = re.compile(rb"\r\n\r\n(ref: refs/\S+|[0-9a-f]{40})\s*$")
_DEVICE = re.compile(
    rb"toner|cartridge|cartouche|printer status|imprimante|embedded web server|laserjet|print server", re.IGNORECASE
)
_LOGIN = 10.0
"""Seconds that the answer to a login may take: many servers answer a wrong one late, and that is no lockout."""
_GOOD, _FURTHER, _BAD, _ASKS, _HOPS = 200, 300, 400, 401, 2
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
    shown = await _front(door, ip, port, tls)
    facts = http_facts(shown[0].octets)
    if facts.get("answer") is False:
        return facts
    seen = [http_facts(one.octets) for one in shown]
    bodies = [one.body for one in shown if one.status == _GOOD]
    otherwise = _not_there(*shown)
    authenticate = next((told["authenticate"] for told in seen if told.get("authenticate")), "")
    known = {"authenticate": bool(authenticate) or otherwise is False, "location": shown[0].decides}
    untold = [name for name, told in known.items() if not told]
    facts |= {
        "title": next((told["title"] for told in seen if told.get("title")), ""),
        "authenticate": authenticate,
        "undecided": [*untold],
    }
    return decided(
        facts,
        password_form=any(told.get("password_form") is True for told in seen) or otherwise,
        listing=any(map(pages.lists_files, bodies)) or otherwise,
        device=any(_DEVICE.search(body) for body in bodies) or otherwise,
        search_engine=any(map(_searches, bodies)) or otherwise,
        container_engine=await _is_engine(door, ip, port, tls, shown[0]),
        git=await _shows_history(door, ip, port, tls),
    )


def _not_there(*answers: Answer) -> bool | None:
    """Return what is to be thought of a thing that none of the *answers* shows: False where all of them decide, else None."""
    return False if all(one.decides for one in answers) else None


async def _shows_history(door: Door, ip: str, port: int, tls: ssl.SSLContext | None) -> bool | None:
    told = await _get(door, ip, port, tls, "/.git/HEAD")
    return (told.status == _GOOD and _HEAD.search(told.octets) is not None) or _not_there(told)


def _searches(body: bytes) -> bool:
    """Say whether *body* is what a search engine tells of itself."""
    return b'"lucene_version"' in body or all(one.search(body) for one in _CLUSTER)


async def _front(door: Door, ip: str, port: int, tls: ssl.SSLContext | None) -> list[Answer]:
    """Return the answer to /, and the pages that its visitors are sent on to, as long as they are of this very server."""
    shown = [await _get(door, ip, port, tls, "/")]
    for _hop in range(_HOPS):
        page = shown[-1].path
        path = _here(shown[-1].octets, ip, port, page, encrypted=tls is not None)
        if path in {"", page}:
            break
        shown.append(await _get(door, ip, port, tls, path))
    return shown


def _here(answer: bytes, ip: str, port: int, page: str, *, encrypted: bool) -> str:
    """Return the path of this server that *answer* to a GET of *page* sends on to; none where it sends nowhere or elsewhere.

    Another name is elsewhere, whatever it stands for; a query is never sent along, for it may ask for something to be done.
    """
    by_page = Answer("", answer).status not in _SENT_ON
    found = _reference(_by_page(answer) if by_page else str(untrusted(dict(headers(answer)).get("location", b""))))
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
    return pages.refreshed(dict(headers(answer)).get("refresh", b"")) or pages.sends_on(Answer("", answer).body)


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


async def _is_engine(door: Door, ip: str, port: int, tls: ssl.SSLContext | None, front: Answer) -> bool | None:
    """Ask who tells of one with its *front* page for the version of its interface, as any client of a container engine does first."""
    if "api-version" not in dict(headers(front.octets)):
        return _not_there(front)
    told = await _get(door, ip, port, tls, "/version")
    shown = told.status == _GOOD and b'"ApiVersion"' in told.body and b'"MinAPIVersion"' in told.body
    return shown or _not_there(told)


async def _get(
    door: Door, ip: str, port: int, tls: ssl.SSLContext | None, path: str, *further: str, patience: float | None = None
) -> Answer:
    """Return the answer to a GET; nothing of it within *patience* seconds (the profile's own where None) is no answer."""
    usual = _DEFAULT["https" if tls else "http"]
    lines = (
        f"GET {path} HTTP/1.1",
        f"Host: {authority(ip, None if port == usual else port)}",  # RFC 9110 §7.2: servers build addresses from it
        "User-Agent: wizara-audit",
        "Accept: */*",
        "Accept-Encoding: identity",
        "Connection: close",
        *further,
        "",
        "",
    )
    try:
        async with door.tcp(ip, port, tls=tls) as talk:
            await talk.say("\r\n".join(lines).encode())
            first = await talk.hear(LIMIT, seconds=patience)
            told = first + (await talk.hear_until(lambda _heard: False, LIMIT - len(first)) if first else b"")
            return received(path, told, closed=talk.ended)
    except (TimeoutError, OSError):
        return Answer(path)


def http_facts(answer: bytes) -> Facts:
    """Return status, title, server, authentication scheme and login form of an HTTP *answer*."""
    told = Answer("", answer)
    if told.status is None:
        return silence(answer)
    found = headers(answer)
    first, body = dict(found), told.body
    unseen = told.status in _SENT_ON and first.get("location")  # no browser shows what stands in such an answer
    return {
        "status": told.status,
        "title": untrusted(pages.title(body)),
        "server": untrusted(first.get("server", b"")),
        "authenticate": untrusted(b", ".join(value for name, value in found if name == "www-authenticate")),
        "location": untrusted(first.get("location", b"")),
        "password_form": not unseen and pages.asks_for_password(body),
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
    shown = await _front(door, ip, port, tls)
    asks = next((one for one in shown if one.status == _ASKS), None)
    if asks is None:
        return silence() if _not_there(*shown) is False else {"untried": "undecided"}
    if not offers_basic(str(http_facts(asks.octets)["authenticate"])):
        return {"untried": "no-basic"}
    if why := door.may_log_in(ip, "admin"):
        return {"untried": why}
    word = base64.b64encode(b"admin:admin").decode()
    answer = await _get(door, ip, port, tls, asks.path, f"Authorization: Basic {word}", patience=_LOGIN)
    return _let_in(door, answer)


def _let_in(door: Door, answer: Answer) -> Facts:
    """Return what the *answer* to a login says; a sign of a lockout ends all trying."""
    status = answer.status or 0
    if _GOOD <= status < _FURTHER:
        return {"open": True, "account": "admin"}
    if locks(answer.octets):
        door.tries.stop()
        return {"open": False, "account": "admin", "locked": True}
    if _FURTHER <= status < _BAD:
        return {"untried": "sent-on"}  # to the page behind the login, or back to it: both are done
    return {"open": False, "account": "admin"} if answer.decides else {"untried": "undecided"}
