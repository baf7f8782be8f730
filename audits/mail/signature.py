"""Reads a DKIM signature as far as a promise needs: whose it is, which key it names, and that the body is the one it signed."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Signature:
    """The tags of a DKIM-Signature (RFC 6376 §3.5) that were looked at."""

    domain: str
    selector: str
    algorithm: str
    headers: tuple[str, ...]
    body_hash: str
    body_matches: bool


def signatures(message: bytes) -> tuple[Signature, ...]:
    """Return the DKIM signatures of *message*, in order."""
    head, _empty, body = message.replace(b"\r\n", b"\n").partition(b"\n\n")
    unfolded = re.sub(rb"\n[ \t]+", b" ", head).decode("utf-8", "replace")
    found = []
    for line in unfolded.split("\n"):
        name, _colon, value = line.partition(":")
        if name.lower() == "dkim-signature":
            found.append(_signature(value, body))
    return tuple(found)


def _signature(value: str, body: bytes) -> Signature:
    tags = {key.strip(): "".join(text.split()) for key, _equals, text in
            (part.partition("=") for part in value.split(";")) if key.strip()}  # fmt: skip
    way = tags.get("c", "simple/simple").partition("/")[2] or "simple"
    known = tags.get("a", "").endswith("sha256") and "l" not in tags
    return Signature(
        domain=tags.get("d", ""),
        selector=tags.get("s", ""),
        algorithm=tags.get("a", ""),
        headers=tuple(tags.get("h", "").lower().split(":")),
        body_hash=tags.get("bh", ""),
        body_matches=known and tags.get("bh") == body_hash(body, relaxed=way == "relaxed"),
    )


def body_hash(body: bytes, *, relaxed: bool) -> str:
    """Return base64 of SHA-256 over *body* in canonical form (RFC 6376 §3.4.3 and §3.4.4)."""
    lines = body.replace(b"\r\n", b"\n").split(b"\n")
    if relaxed:
        lines = [re.sub(rb"[ \t]+", b" ", line).rstrip(b" ") for line in lines]
    while lines and not lines[-1]:
        lines.pop()
    canonical = b"".join(line + b"\r\n" for line in lines) or (b"" if relaxed else b"\r\n")
    return base64.b64encode(hashlib.sha256(canonical).digest()).decode()
