"""What operating system a machine says that it runs, in its banners; what says nothing is not judged."""

from __future__ import annotations

import re

from wizara.audit.observation import Observation, Seen

#: What a banner says → the system; the first that matches wins. Names as in the inventory, finer ones after a dash.
SIGNS: tuple[tuple[str, str], ...] = (
    (r"SSH-\S+ Debian-\S*deb12", "debian-bookworm"),
    (r"SSH-\S+ Debian-\S*deb13", "debian-trixie"),
    (r"\bDebian\b|\(Debian\)", "debian"),
    (r"\bUbuntu\b", "ubuntu"),
    (r"OpenSSH_for_Windows|Microsoft-IIS|Microsoft (?:Windows|FTP|ESMTP)|Windows Version", "windows"),
    (r"FreeBSD", "freebsd"),
    (r"ROSSSH|RouterOS|MikroTik", "mikrotik_routeros"),
    (r"SSH-2\.0-Cisco|Cisco IOS|Cisco Internetwork", "cisco_ios"),
    (r"SSH-2\.0-HUAWEI|Huawei Versatile Routing|\bVRP\b", "huawei_vrp"),
    (r"FortiGate|FortiOS|xxxxxxxx-xxxxxxx", "fortinet"),
    (r"Darwin Kernel", "macos"),
    (r"dropbear|lwIP|GoAhead|JetDirect", "embedded"),
    (r"^Linux \S+|\(Unix\)|\bLinux\b", "linux"),
)
_TEXTS = ("banner", "text", "description", "server")
_LINUX = frozenset({"debian", "ubuntu", "linux"})


def system(seen: Seen, ip: str) -> tuple[str, Observation] | None:
    """Return the system that the machine at *ip* tells, the finest word of it, with the observation that says so."""
    found: list[tuple[int, str, Observation]] = []
    for one in seen.answered("ssh", "banner", "snmp", "http", ip=ip):
        text = " ".join(filter(None, (one.text(key) for key in _TEXTS)))
        sign = next(((at, name) for at, (pattern, name) in enumerate(SIGNS) if re.search(pattern, text)), None)
        if sign:
            found.append((*sign, one))
    if not found:
        return None
    _at, name, evidence = min(found, key=lambda told: told[0])
    return name, evidence


def agrees(declared: str, found: str) -> bool:
    """Say whether *found* may be what was *declared*: a banner that says less does not contradict."""
    family, other = declared.partition("-")[0], found.partition("-")[0]
    if family == other:
        return "-" not in declared or "-" not in found or declared == found
    return (
        (family in _LINUX and other == "linux")
        or (family == "linux" and other in _LINUX)
        or (family == "embedded" and other == "linux")
    )
