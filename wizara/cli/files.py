"""Audits of files: exported configurations and what other scanners wrote; nothing is contacted, so no mandate is asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import TYPE_CHECKING

from wizara.audit.facts import LanFacts
from wizara.audit.job import AuditRecord
from wizara.audit.observation import Observation, Target, now
from wizara.audit.untrusted import untrusted
from wizara.cli import auditing
from wizara.cli.declared import declared_facts
from wizara.cli.nmap_report import addresses, heard
from wizara.errors import UsageFault
from wizara.inventory import load as load_ministry
from wizara.inventory import resolve
from wizara.place import Place
from wizara.record.folder import RunFolder
from wizara.record.world import World
from wizara.report.case import OBSERVATIONS
from wizara.text import N_, _
from wizara.tree import load

if TYPE_CHECKING:
    from wizara.cli.auditing import Audited, Collected, Prepared, Progress

MOST_BYTES = 16 * 1024 * 1024
MOST_LINES = 200_000
FILE = N_("a file")


def judge_configurations(files: tuple[Path, ...], platform: str | None, fail_on: str, runs: Path) -> Audited:
    """Judge *files*, of *platform* where given; UsageFault when one cannot be read or recognised."""
    contents = [configuration(path, platform) for path in files]
    facts = LanFacts(inventory=False, moment=datetime.now(UTC).isoformat(timespec="seconds"))
    prepared = prepare(runs, "configuration", facts)

    def seen(run: str) -> Iterator[Observation]:
        for data in contents:
            yield Observation.model_validate(
                {"run": run, "time": now(), "collector": "file", "vantage": FILE, "target": Target(), "kind": "config",
                 "data": data}
            )  # fmt: skip

    return auditing.run(prepared, fail_on, lambda _seen: None, told(seen(prepared.folder.run.id)))


def judge_scan(file: Path, ministry: str | None, site: str | None, fail_on: str, runs: Path) -> Audited:
    """Judge what nmap wrote into *file*, beside *site* of *ministry* where given; UsageFault when it is no such file."""
    moment = datetime.now(UTC).isoformat(timespec="seconds")
    declared = load_ministry(resolve(ministry)) if ministry else None
    if declared and site:
        facts = declared_facts(declared, site, (), moment)
    else:
        found = {IPv4Network(f"{one}/24", strict=False) for one in addresses(file)}
        facts = LanFacts(networks=tuple(sorted(found)), inventory=False, moment=moment)
    prepared = prepare(runs, declared.name if declared else "import", facts)

    def seen(run: str) -> Iterator[Observation]:
        for one in heard(file):
            target = Target(site=facts.site, ip=one.ip, mac=one.mac, port=one.port, proto="tcp" if one.port else None)
            if any(IPv4Address(one.ip) in network for network in facts.networks):
                yield Observation.model_validate(
                    {"run": run, "time": one.time, "collector": "nmap", "vantage": FILE, "target": target,
                     "kind": one.kind, "data": one.data}
                )  # fmt: skip

    return auditing.run(prepared, fail_on, lambda _seen: None, told(seen(prepared.folder.run.id)))


def prepare(runs: Path, name: str, facts: LanFacts) -> Prepared:
    """Begin the record of an audit that reads files only."""
    folder = RunFolder.create(runs, "audit", name, World())
    record = AuditRecord(ministry=name, facts=facts, views=(), versions=auditing.versions())
    return auditing.Prepared(World(), folder, (), record, (), None)


def told(observations: Iterator[Observation]) -> auditing.Collecting:
    """Return a collection that only keeps *observations*."""

    def collect(prepared: Prepared, progress: Progress) -> Collected:
        kept = []
        for one in observations:
            prepared.folder.append(OBSERVATIONS, one)
            kept.append(one)
        return tuple(kept), ()

    return collect


def configuration(path: Path, platform: str | None) -> dict[str, object]:
    """Return what is kept of the configuration in *path*: its lines without secrets, platform, name and hash."""
    configuration_, redaction = load("audits.devices.configuration"), load("audits.devices.redaction")
    content = read(path, MOST_BYTES)
    lines = [str(untrusted(line)) for line in _text(content).splitlines()[:MOST_LINES]]
    other = None if platform else configuration_.foreign(lines)
    if other:
        hint = _("no measures are known for it; if it is of another platform, name that with --platform")
        raise UsageFault(_("looks like {system}").format(system=other), place=Place(str(path)), hint=hint)
    found = platform or configuration_.recognise(lines)
    if found is None:
        hint = _("name it with --platform")
        raise UsageFault(_("no configuration that wizara knows"), place=Place(str(path)), hint=hint)
    name = configuration_.parse(found, lines).name or path.stem
    hidden = [*redaction.redacted(found, lines)]
    return {"platform": found, "name": str(untrusted(name)), "file": str(untrusted(path.name)), "config": hidden,
            "sha256": hashlib.sha256(content).hexdigest()}  # fmt: skip


def read(path: Path, most: int) -> bytes:
    """Return the content of *path*; UsageFault when it cannot be read or has more than *most* bytes."""
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as fault:
        raise UsageFault(_("cannot read it: {reason}").format(reason=fault.strerror), place=Place(str(path))) from None
    if len(content) > most:
        raise UsageFault(_("larger than {limit} bytes").format(limit=most), place=Place(str(path)))
    return content


def _text(content: bytes) -> str:
    for mark, encoding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig")):
        if content.startswith(mark):
            return content.decode(encoding, "replace")
    return content.decode("utf-8", "replace")
