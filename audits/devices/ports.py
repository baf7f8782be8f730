"""The names of ports and of network cards, so that two spellings of one are equal."""

from __future__ import annotations

import re

_SHORT = re.compile(r"^([A-Za-z-]+?)(\d.*)$")
_ADDRESS = re.compile(r"[0-9.]+|[0-9a-f:]+:[0-9a-f:]*|[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}")
_HEX = re.compile(r"[0-9A-Fa-f]{12}")
#: Names of kinds of ports, as devices cut them short; the first that fits.
_KINDS = (
    ("tengigabitethernet", "ten"),
    ("xgigabitethernet", "xge"),
    ("gigabitethernet", "gi"),
    ("fastethernet", "fa"),
    ("ethernet", "eth"),
    ("portchannel", "po"),
    ("bridgeaggregation", "bagg"),
)


def port_key(name: str) -> str:
    """Return *name* so that two spellings of one port are equal: ``GigabitEthernet0/1`` and ``Gi0/1``, ``GE0/0/1``."""
    match = _SHORT.match(name.replace(" ", ""))
    if match is None:
        return name.lower()
    word = match[1].lower().replace("-", "")
    kind = next((short for long, short in _KINDS if word == long or (len(word) >= 2 and long.startswith(word))), word)
    return ("gi" if word == "ge" else "ten" if word in {"xge", "xg"} or kind == "xge" else kind) + match[2]


def card_key(text: str) -> str | None:
    """Return a network card's address as ``aa:bb:cc:dd:ee:ff``, whatever its spelling; None when *text* is none."""
    digits = re.sub(r"[.:\-\s]", "", text)
    return bytes.fromhex(digits).hex(":") if _HEX.fullmatch(digits) else None


def name_key(text: str) -> str:
    """Return a device's name as others may know it: without its domain or the serial number behind it, in small letters."""
    name = text.strip().partition("(")[0].lower()
    return name if _ADDRESS.fullmatch(name) else name.partition(".")[0]
