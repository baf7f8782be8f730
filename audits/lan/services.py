"""Services that are open to everybody, or that let passwords travel in clear."""

from __future__ import annotations

import re
from collections.abc import Iterator

from audits.lan.subjects import services
from wizara.audit.facts import LanFacts
from wizara.audit.observation import Kind, Seen
from wizara.audit.rule import Judgement, broken, holds, rule


def _open(seen: Seen, facts: LanFacts, kind: Kind, flag: str) -> Iterator[Judgement]:
    """Judge each service of *kind* by the *flag* that its collector set."""
    for about, one in services(seen, facts, kind):
        yield broken(about, [one], reply=one.text("reply")) if one.flag(flag) else holds(about, [one])


#: A question for a name or a password, as a terminal asks it; words about logins in a greeting are none.
_PROMPT = re.compile(r"(login|user ?name|password)\s*[:>]|user access verification", re.IGNORECASE)
#: One scheme of several (RFC 9110 §11.6.1).
_BASIC = re.compile(r"(^|,)\s*basic\b", re.IGNORECASE)


@rule("TEL-001", kinds=("telnet", "ports"), cvss="CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:N", fix="manual")
def telnet(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """A Telnet server: it negotiated options, or it asks for a login in clear."""
    for about, one in services(seen, facts, "telnet"):
        if one.flag("negotiates") or _PROMPT.search(one.text("text")):
            yield broken(about, [one], text=one.text("text"))


@rule("FTP-001", kinds=("ftp",), cvss="CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N", fix="manual")
def anonymous_ftp(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """FTP lets anybody in."""
    return _open(seen, facts, "ftp", "anonymous")


@rule("SNM-001", kinds=("snmp",), cvss="CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:U/C:H/I:L/A:N", fix="manual")
def well_known_community(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """SNMP answers to a community that everybody knows."""
    for about, one in services(seen, facts, "snmp"):
        community = one.text("community")
        if community == "private":
            continue  # SNM-002 says more of it
        yield broken(about, [one], discriminator=community, community=community, description=one.text("description"))


@rule("RED-001", kinds=("redis",), cvss="CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", fix="manual")
def open_redis(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """Redis answers without a password."""
    return _open(seen, facts, "redis", "open")


@rule("MEM-001", kinds=("memcached",), cvss="CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:L", fix="manual")
def open_memcached(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """Memcached is reachable; it has no password."""
    return _open(seen, facts, "memcached", "open")


@rule("MQT-001", kinds=("mqtt",), cvss="CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:N", fix="manual")
def open_mqtt(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """An MQTT broker takes anybody."""
    return _open(seen, facts, "mqtt", "open")


@rule("SMT-001", kinds=("smtp",), cvss="CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:C/C:N/I:H/A:L", fix="manual")
def open_relay(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """A mail server takes mail from a stranger to a stranger."""
    return _open(seen, facts, "smtp", "relay")


@rule("WEB-001", kinds=("http",), cvss="CVSS:3.1/AV:A/AC:H/PR:N/UI:R/S:U/C:H/I:H/A:N", fix="manual")
def password_form_in_clear(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """A web page without TLS asks for a password."""
    for about, one in services(seen, facts, "http"):
        if one.collector == "http" and one.flag("password_form"):
            yield broken(about, [one], title=one.text("title"))


@rule("WEB-002", kinds=("http",), cvss="CVSS:3.1/AV:A/AC:H/PR:N/UI:R/S:U/C:H/I:H/A:N", fix="manual")
def basic_authentication_in_clear(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """HTTP without TLS asks for Basic authentication: the password travels as good as in clear (RFC 7617 §4)."""
    for about, one in services(seen, facts, "http"):
        if one.collector == "http" and _BASIC.search(one.text("authenticate")):
            yield broken(about, [one], realm=one.text("authenticate"))
