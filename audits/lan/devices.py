"""What a declared switch's own configuration says (Cisco IOS syntax)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from audits.lan.subjects import subject
from wizara.audit.facts import LanFacts
from wizara.audit.observation import Seen
from wizara.audit.rule import Judgement, broken, holds, rule, unknown

Test = Callable[[tuple[str, ...]], str | None]
"""Returns the line that is wrong, or None."""


def _configurations(seen: Seen, facts: LanFacts, test: Test) -> Iterator[Judgement]:
    for one in seen.of("config"):
        about = subject(seen, facts, one.target.ip or "")
        lines = one.texts("config")
        if not lines:
            yield unknown(about, "config-unread", [one])
            continue
        wrong = test(lines)
        yield holds(about, [one]) if wrong is None else broken(about, [one], line=wrong.strip())


def sections(lines: tuple[str, ...], head: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield (heading, indented lines below it) of each section that begins with *head*."""
    for index, line in enumerate(lines):
        if line.startswith(head):
            body = []
            for below in lines[index + 1 :]:
                if not below.startswith(" "):
                    break
                body.append(below.strip())
            yield line, tuple(body)


def telnet_line(lines: tuple[str, ...]) -> str | None:
    """Return the terminal line that lets Telnet in."""
    for heading, body in sections(lines, "line vty"):
        inputs = [line for line in body if line.startswith("transport input")]
        for line in inputs:
            if re.search(r"\b(telnet|all)\b", line):
                return f"{heading}: {line}"
    return None


def default_community(lines: tuple[str, ...]) -> str | None:
    """Return the lines with a community everybody knows."""
    found = [line for line in lines if re.match(r"(?i)snmp-server community (public|private)\b", line)]
    return "; ".join(found) or None


def passwords_in_clear(lines: tuple[str, ...]) -> str | None:
    """Return the line (or the absence of one) that leaves passwords readable in the configuration."""
    return (
        None
        if any(line.strip() == "service password-encryption" for line in lines)
        else "no service password-encryption"
    )


def web_server(lines: tuple[str, ...]) -> str | None:
    """Return the line that starts the web server without TLS."""
    return next((line for line in lines if line.strip() == "ip http server"), None)


@rule("SWI-001", kinds=("config",), cvss="CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:N", fix="manual")
def switch_telnet(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """The switch accepts Telnet for its management."""
    return _configurations(seen, facts, telnet_line)


@rule("SWI-002", kinds=("config",), cvss="CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:N", fix="manual")
def switch_default_community(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """The switch has a community everybody knows."""
    return _configurations(seen, facts, default_community)


@rule("SWI-003", kinds=("config",), cvss="CVSS:3.1/AV:A/AC:H/PR:H/UI:N/S:U/C:H/I:N/A:N", fix="manual")
def switch_passwords_in_clear(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """The switch keeps passwords readable in its configuration."""
    return _configurations(seen, facts, passwords_in_clear)


@rule("SWI-004", kinds=("config",), cvss="CVSS:3.1/AV:A/AC:H/PR:N/UI:R/S:U/C:H/I:H/A:N", fix="manual")
def switch_web_server(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """The switch is managed by a web page without TLS."""
    return _configurations(seen, facts, web_server)
