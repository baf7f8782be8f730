"""What a page of the web shows: its title, a field for a password, where it sends its visitors on to, a list of files."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

_FIELDS = rb"(?=[\s/])((?:[^<>\"']{1,300}|\"[^\"]{0,300}\"|'[^']{0,300}'){0,200})"
_INPUT = re.compile(rb"<input" + _FIELDS, re.IGNORECASE)
_TEMPLATE = re.compile(rb"<template" + _FIELDS, re.IGNORECASE)
_META = re.compile(rb"<meta" + _FIELDS, re.IGNORECASE)
_ATTRIBUTE = re.compile(
    rb"(?<![a-z_:.-])([a-z_:.-]{1,40})\s{0,9}=\s{0,9}(\"[^\"]*\"|'[^']*'|[^\s\"'/]{1,40})", re.IGNORECASE
)
#: Where a comment begins, or an element whose text is no markup (HTML, "raw text", "escapable raw text"), and where they end.
_APART = re.compile(rb"<!--|<(script|style|textarea|title|xmp|/?template)(?=[\s/>])", re.IGNORECASE)
_TAG = 600
"""Bytes of the tag of a template that are read."""
_COMMENT_ENDS = re.compile(rb"--!?>")
_ENDS = {
    name: re.compile(rb"</" + name, re.IGNORECASE) for name in (b"script", b"style", b"textarea", b"title", b"xmp")
}
#: Seconds, and the page that is shown then (HTML, "shared declarative refresh steps"); a number alone shows the same page again.
_REFRESH = re.compile(r"[\s\d.]{0,20}[;,\s]\s{0,9}(?:url\s{0,9}=)?\s{0,9}[\"']?([^\s\"'=;,]\S{0,511})", re.IGNORECASE)
#: What a list of files is told by: titles that servers give the list of ``/`` (Apache, nginx, lighttpd, Python, Tomcat, Jetty,
#: serve-index), Apache's way to sort, Caddy's column of sizes, and the whole of what Go's file server and IIS write.
_LISTINGS = tuple(
    re.compile(mark, re.IGNORECASE)
    for mark in (
        rb"<title>\s{0,99}(Index of|Directory listing for|Listing directory|Directory:)\s{1,9}\[?\.?/(?:\]?\s{0,99}<|[^\s<>,;:|\]])",
        rb"href=\"\?C=N;O=D\"",
        rb"<td class=\"size\" data-size=\"\d{1,20}\">\s{0,99}<div class=\"sizebar\">",
        rb"\A\s{0,9}(?:<!doctype html>\s{0,9}<meta [^<>]{0,99}>\s{0,9})?<pre>\s{0,9}<a href=\"[^\"<>]{1,999}\">[^<>]{1,999}</a>\n",
        rb"<title>([^<>]{1,255} - /)</title></head><body><h1>\1</h1><hr>\s{0,9}<pre>",
    )
)  # fmt: skip


def title(body: bytes) -> bytes:
    """Return what stands in the first title, on one line."""
    small = body.lower()
    start = small.find(b"<title")
    begins = small.find(b">", start, start + 300) + 1
    ends = small.find(b"</title", begins, begins + 520)
    return b" ".join(body[begins:ends].split()) if start >= 0 and begins and ends >= 0 else b""


def asks_for_password(body: bytes) -> bool:
    """Say whether a field for a password is among the fields of *body*: words that speak of one are none."""
    shown = _shown(body).replace(b"\\", b"")
    return any(_attributes(field[1]).get(b"type", b"").lower() == b"password" for field in _INPUT.finditer(shown))


def sends_on(body: bytes) -> str:
    """Return the page that *body* sends its visitors on to by ``<meta http-equiv="refresh">``; nothing where it does not."""
    for field in _META.finditer(_shown(body)):
        told = _attributes(field[1])
        if told.get(b"http-equiv", b"").lower() == b"refresh":
            return refreshed(told.get(b"content", b""))
    return ""


def refreshed(value: bytes) -> str:
    """Return the page that the *value* of such a field, or of a ``Refresh`` header, names."""
    found = _REFRESH.fullmatch(html.unescape(value.decode("ascii", "replace")).strip().rstrip("\"'"))
    return found[1] if found else ""


def lists_files(body: bytes) -> bool:
    """Say whether *body* is the list of the files that lie at ``/``."""
    return any(mark.search(body) for mark in _LISTINGS)


def _shown(body: bytes) -> bytes:
    """Return *body* as far as it is shown, or a script may show it: what stands in a template that ends is not."""
    shown: list[bytes] = []
    inert: list[bytes] = []
    depth = 0
    for text, mark in _pieces(body):
        (inert if depth else shown).append(text)
        if mark.startswith(b"</"):
            depth = max(0, depth - 1)
            inert = inert if depth else []
        elif mark and (depth or not _is_shadow(mark)):
            depth += 1
    return b"".join([*shown, *inert])


def _pieces(body: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield *body* without its comments and without text that only looks like markup, each piece with the tag of a template behind it.

    A comment ends at its first ``-->``, as in ``<!--[if …]><!-->``, whose next lines every browser shows; in a script there is none.
    """
    place = 0
    while found := _APART.search(body, place):
        text, name = body[place : found.start()], (found[1] or b"").lower()
        if name.endswith(b"template"):
            place = found.end()
            yield text, body[found.start() : found.start() + _TAG]
            continue
        begins = found.end() if name else found.end() - 2
        ends = (_ENDS[name] if name else _COMMENT_ENDS).search(body, begins)
        place = len(body) if ends is None else ends.start() if name else ends.end()
        yield text + (body[begins:place] if name == b"script" else b""), b""
    yield body[place:], b""


def _is_shadow(tag: bytes) -> bool:
    """Say whether the template that *tag* begins is shown where it stands (HTML, "declarative shadow roots")."""
    found = _TEMPLATE.match(tag)
    return found is not None and _attributes(found[1]).get(b"shadowrootmode", b"").lower() in {b"open", b"closed"}


def _attributes(field: bytes) -> dict[bytes, bytes]:
    """Return name, in small letters, → value of each attribute of a *field*."""
    return {name.lower(): value.strip(b"\"' \t") for name, value in _ATTRIBUTE.findall(field)}
