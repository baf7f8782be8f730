"""Takes the secrets out of a configuration before anything keeps it; what the rules need of a line stays."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from audits.devices.configuration import Platform

HIDDEN = "•••"
_WELL_KNOWN = frozenset({"public", "private"})
#: What follows these words is a secret: (words that stay)(kind of hash that stays)(secret).
_IOS = re.compile(
    r"(?i)((?:\b(?:secret|password|key-string|server-key|isakmp key|(?:authentication|message-digest)-key \d+ md5)|"
    r"\bauthentication-key|\bwpa-psk (?:ascii|hex)|\b(?:tacacs|radius)-server(?: host \S+)? key|"
    r"\bpre-shared-key(?: address \S+)? key|\bpre-shared-key(?: local| remote)?|"
    r"\bauth (?:md5|sha)(?: \d+)?|\bpriv (?:des|3des|aes)(?: \d+)?|^\s+key))( [0-9])? (\S.*)$"
)
_IOS_COMMUNITY = re.compile(
    r"(?i)^(\s*snmp-server (?:community|host \S+(?: traps| informs)?(?: version \S+)?)) (\S+)(.*)$"
)
_NO_KEY = re.compile(r"(?i)security passwords min-length|service password-|\bpassword policy")
_VRP = re.compile(
    r"(?i)(\b(?:irreversible-cipher|cipher|simple)|\b(?:authentication|privacy)-mode (?:md5|sha\S*|aes\S*|3?des\S*))"
    r" (?!cipher|simple)(\S+)"
)
_VRP_COMMUNITY = re.compile(r"(?i)^(\s*snmp-agent community (?:read|write)(?: cipher| simple)?) (\S+)(.*)$")
_ROUTEROS = re.compile(
    r"(?i)\b((?:[\w-]{1,40}-)?(?:password|secret|pre-shared-key|preshared-key|private-key|passphrase|auth-key|key))="
    r'("(?:\\.|[^"\\])*"|\S+)'
)
_ROUTEROS_NAME = re.compile(r'\bname=("(?:\\.|[^"\\])*"|\S+)')
_FORTIOS = re.compile(
    r"(?i)^(\s*set (?:psksecret\S*|(?:[\w-]{1,40}-)?(?:password|passwd|passphrase|secret|key|pwd))) (ENC )?(.*)$"
)
_FORTIOS_NAME = re.compile(r"^(\s*set name) (.*)$")


def redacted(platform: Platform | str, lines: Iterable[str]) -> Iterator[str]:
    """Yield *lines* without secrets, as many as came; a community that everybody knows stays, for it is the finding."""
    if platform == "mikrotik_routeros":
        yield from _routeros(lines)
    elif platform == "fortinet":
        yield from _fortios(lines)
    else:
        hide = _vrp_line if platform == "huawei_vrp" else ios_line
        yield from map(hide, lines)


def ios_line(line: str) -> str:
    """Return one line of IOS without its secret."""
    community = _IOS_COMMUNITY.match(line)
    if community:
        return f"{community[1]} {_community(community[2])}{community[3]}"
    if _NO_KEY.search(line):
        return line
    return _IOS.sub(lambda found: f"{found[1]}{found[2] or ''} {HIDDEN}", line)


def _community(word: str) -> str:
    return word if word.lower().strip('"') in _WELL_KNOWN else HIDDEN


def _vrp_line(line: str) -> str:
    community = _VRP_COMMUNITY.match(line)
    if community:
        return f"{community[1]} {_community(community[2])}{community[3]}"
    return _VRP.sub(rf"\1 {HIDDEN}", line)


def _routeros(lines: Iterable[str]) -> Iterator[str]:
    menu = held = ""
    for line in lines:
        menu = line if line.startswith("/") else menu
        hidden = _ROUTEROS.sub(rf"\1={HIDDEN}", line)
        if menu.startswith("/snmp community"):
            hidden = _ROUTEROS_NAME.sub(lambda found: f"name={_community(found[1])}", hidden)
        if held:  # a secret may go on in the next line
            hidden = HIDDEN + (" \\" if line.endswith("\\") else "")
        held = line if line.endswith("\\") and line.count('"') % 2 != bool(held) and _secretive(line) else ""
        yield hidden


def _secretive(line: str) -> bool:
    return _ROUTEROS.search(line + '"') is not None


def _fortios(lines: Iterable[str]) -> Iterator[str]:
    section, inside = "", False
    for line in lines:
        if inside:
            inside = line.count('"') % 2 == 0
            yield HIDDEN
            continue
        section = line.strip() if line.strip().startswith("config ") else section
        found = _FORTIOS.match(line)
        if found:
            inside = found[3].count('"') % 2 == 1
            yield f"{found[1]} {found[2] or ''}{HIDDEN}"
        elif section == "config system snmp community" and _FORTIOS_NAME.match(line):
            yield _FORTIOS_NAME.sub(lambda told: f"{told[1]} {_community(told[2])}", line)
        else:
            yield line
