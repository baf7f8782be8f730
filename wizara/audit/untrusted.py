"""The one gate for text found on a LAN: capped, decoded, and with every invisible or active character made visible."""

from __future__ import annotations

import hashlib
import unicodedata
from typing import NewType

#: Text that was found on a network and passed :func:`untrusted`. Each output format still escapes it on its own.
Untrusted = NewType("Untrusted", str)

CAP = 4096
"""Bytes kept of one text; of the rest only its length and hash."""
_MARKS = 4
"""Combining marks in a row that a script needs; more only cover the neighbours."""
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories that show nothing or steer the text around them."""


def untrusted(raw: bytes | str) -> Untrusted:
    r"""Return *raw* as harmless text: at most :data:`CAP` bytes of it, NFC, what is hidden as ``\xNN`` or ``\u{…}``."""
    octets = raw.encode("utf-8", "surrogatepass") if isinstance(raw, str) else raw
    kept, rest = octets[:CAP], octets[CAP:]
    text = unicodedata.normalize("NFC", kept.decode("utf-8", "replace")).rstrip("\r\n\0 ")
    shown = _visible(text)
    if rest:
        shown += f" …[+{len(rest)} bytes sha256:{hashlib.sha256(rest).hexdigest()[:16]}]"
    return Untrusted(shown)


def untrusted_lines(raw: bytes | str, limit: int = 5000) -> tuple[Untrusted, ...]:
    """Return the lines of *raw*, at most *limit*, each harmless."""
    text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw
    return tuple(untrusted(line) for line in text.replace("\r", "").split("\n")[:limit])


def harmless(text: str) -> Untrusted:
    """Return *text*, which came already capped from a node of ours, with nothing hidden in it."""
    return Untrusted(_visible(unicodedata.normalize("NFC", text[: 2 * CAP])))


def _visible(text: str) -> str:
    out, marks = [], 0
    for character in text:
        category = unicodedata.category(character)
        marks = marks + 1 if category in {"Mn", "Me"} else 0
        out.append(_escape(character) if category in _HIDDEN or marks > _MARKS else character)
    return "".join(out)


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{{{code:x}}}"
