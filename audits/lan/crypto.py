"""Cryptography that no longer protects: TLS versions, certificates, SSH algorithms."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from ssh_audit.ssh2_kexdb import SSH2_KexDB

from audits.lan.subjects import services, untold
from wizara.audit.facts import LanFacts
from wizara.audit.observation import Observation, Seen
from wizara.audit.rule import Judgement, broken, holds, rule, unknown

_OLD = ("SSLv3", "TLSv1.0", "TLSv1.1")
#: A suspicion about the NIST curves, which ANSSI and NIST both accept, is no weakness that a ministry can act on.
_SUSPICION = "suspected as being backdoored"
_WEAK_MODE = "using weak cipher mode"


@rule("TLS-001", kinds=("tls",), cvss="CVSS:3.1/AV:A/AC:H/PR:N/UI:N/S:U/C:L/I:L/A:N", fix="manual")
def old_tls(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """A service still speaks SSL 3, TLS 1.0 or TLS 1.1 (forbidden by RFC 7568 and RFC 8996)."""
    for about, one in services(seen, facts, "tls"):
        old = [version for version in one.texts("versions") if version in _OLD]
        if not old and {*_OLD} & {*one.texts("silent_versions")}:
            yield unknown(about, "undecided", [one])
        else:
            yield broken(about, [one], versions=", ".join(old)) if old else holds(about, [one])


def _certificate(one: Observation) -> dict[str, object]:
    found = one.data.get("certificate")
    return dict(found) if isinstance(found, dict) else {}


@rule("TLS-002", kinds=("tls",), cvss="CVSS:3.1/AV:A/AC:H/PR:N/UI:R/S:U/C:H/I:L/A:N", fix="manual")
def expired_certificate(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """A certificate was past its last day when the run began."""
    moment = datetime.fromisoformat(facts.moment)
    for about, one in services(seen, facts, "tls"):
        ends = _certificate(one).get("not_after")
        if not isinstance(ends, str):
            continue
        expired = datetime.fromisoformat(ends) < moment
        yield broken(about, [one], ended=ends[:10]) if expired else holds(about, [one])


@rule("TLS-003", kinds=("tls",), cvss="CVSS:3.1/AV:A/AC:H/PR:N/UI:N/S:U/C:H/I:N/A:N", fix="manual")
def weak_certificate(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """A certificate has a short key, or a signature by MD5 or SHA-1."""
    for about, one in services(seen, facts, "tls"):
        certificate = _certificate(one)
        key, bits, signature = (
            str(certificate.get("key", "")),
            certificate.get("key_bits"),
            str(certificate.get("signature", "")),
        )
        shortest = {"rsa": 2048, "dsa": 1 << 20, "ec": 224}.get(key, 0)
        short = isinstance(bits, int) and bits < shortest
        if certificate and (short or signature in {"md5", "sha1"}):
            yield broken(about, [one], key=f"{key} {bits}", signature=signature)
        elif certificate:
            yield holds(about, [one])


def weak(kind: str, name: str) -> bool:
    """Say whether ssh-audit's table holds the algorithm *name* of *kind* (kex, key, enc, mac) for broken."""
    entry = SSH2_KexDB.get_db()[kind].get(name)
    failures = [text for text in entry[1] if text and _SUSPICION not in text] if entry and len(entry) > 1 else []
    modes = [text for text in entry[2] if text == _WEAK_MODE] if entry and len(entry) > 2 else []
    return bool(failures or modes)


def _ssh(seen: Seen, facts: LanFacts, listed: str, kind: str) -> Iterator[Judgement]:
    for about, one in services(seen, facts, "ssh"):
        found = [name for name in one.texts(listed) if weak(kind, name)]
        if found:
            yield broken(about, [one], algorithms=", ".join(found))
        else:
            unread = not one.texts(listed) or listed in one.texts("undecided")
            yield unknown(about, "undecided", [one]) if unread else holds(about, [one])
    yield from untold(seen, facts, "ssh", "ssh")


@rule("SSH-001", kinds=("ssh",), cvss="CVSS:3.1/AV:A/AC:H/PR:N/UI:N/S:U/C:L/I:L/A:N", fix="manual")
def weak_key_exchange(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """SSH offers a broken key exchange."""
    return _ssh(seen, facts, "kex", "kex")


@rule("SSH-002", kinds=("ssh",), cvss="CVSS:3.1/AV:A/AC:H/PR:N/UI:N/S:U/C:L/I:L/A:N", fix="manual")
def weak_cipher(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """SSH offers a broken cipher."""
    return _ssh(seen, facts, "cipher", "enc")


@rule("SSH-003", kinds=("ssh",), cvss="CVSS:3.1/AV:A/AC:H/PR:N/UI:N/S:U/C:N/I:L/A:N", fix="manual")
def weak_mac(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """SSH offers a broken message authentication code."""
    return _ssh(seen, facts, "mac", "mac")


@rule("SSH-004", kinds=("ssh",), cvss="CVSS:3.1/AV:A/AC:H/PR:N/UI:N/S:U/C:H/I:H/A:N", fix="manual")
def weak_host_key(seen: Seen, facts: LanFacts) -> Iterator[Judgement]:
    """SSH proves itself with a broken kind of key."""
    return _ssh(seen, facts, "host_key", "key")
