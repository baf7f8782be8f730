"""What ``wizara audit`` does between its options and its output: order → job → observations → verdicts → record."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from pydantic import JsonValue

from wizara import __version__
from wizara.audit.baseline import Looked
from wizara.audit.cvss import Severity, at_least
from wizara.audit.exceptions import conclude, read_exemptions
from wizara.audit.facts import LanFacts
from wizara.audit.job import AuditRecord, DeviceLogin, Job, View
from wizara.audit.limits import Network
from wizara.audit.mandate import check_logins, check_networks, check_station, read_mandate
from wizara.audit.observation import Kind, Observation, Target, now
from wizara.audit.orders import CAPPED, PROFILES
from wizara.audit.rule import judge
from wizara.audit.verdict import Past, Verdicts
from wizara.cli.comparing import baseline
from wizara.cli.continued import Begun, begin
from wizara.cli.declared import bare_facts, declared_facts
from wizara.cli.logins import device_logins
from wizara.cli.vantage import HERE, Ground, Leg, choose
from wizara.cli.world import Scene, be_root
from wizara.engine.collect import collect
from wizara.errors import ExitCode, Refusal, Unfinished, Unreachable, UsageFault, WizaraError, worst
from wizara.inventory import load as load_ministry
from wizara.inventory import resolve
from wizara.inventory.models import Ministry
from wizara.record.folder import RunFolder
from wizara.record.run import Record
from wizara.record.world import World
from wizara.report.case import AUDIT, OBSERVATIONS, VERDICTS, Case, read_case
from wizara.report.data import FindingData, finding
from wizara.report.words import Catalogue, Words
from wizara.text import _, language
from wizara.tree import load


@dataclass(frozen=True)
class Order:
    """The options of the verb."""

    ministry: str | None
    site: str | None
    lans: tuple[str, ...]
    networks: tuple[str, ...]
    interface: str | None
    mandate: Path | None
    credentials: Path | None
    lab: str | None
    runs: Path
    source: str | None = None
    """The node to look from, or the LAN that this computer is plugged into."""
    profile: str = "polite"
    ports: tuple[int, ...] = ()
    listen: float = 0.0
    passive: bool = False
    logins: bool = False
    over_wan: bool = False
    resume: str | None = None
    """The interrupted run that is taken up again."""
    append: str | None = None
    """The run that this one is a part of: it looked from another place."""
    baseline: str | None = None
    """The run to compare with."""
    segmentation: bool = False
    """Whether it is tried what passes to the site's other LANs."""


@dataclass(frozen=True)
class Prepared:
    """Everything checked; nothing was contacted yet."""

    world: World
    folder: RunFolder
    jobs: tuple[tuple[Job, Path | None], ...]
    """What is collected, each with the network namespace that its worker stands in."""
    record: AuditRecord
    devices: tuple[DeviceLogin, ...]
    exceptions: Path | None
    outside: tuple[Network, ...] = ()
    """IPv6 networks of the LANs that the mandate does not name: they are not looked at."""
    earlier: tuple[Observation, ...] = ()
    """What the run holds already, where it is continued."""
    baseline: str | None = None
    """The run to compare with; None is the last one of the same networks."""
    site: Path | None = None
    """The file that declares the audited site."""
    beyond: tuple[str, ...] = ()
    """What is to be told of nodes that are looked from and that the mandate does not name."""

    @property
    def unseen(self) -> tuple[Network, ...]:
        """The networks that are attached to no place to look from."""
        whole: tuple[Network, ...] = (*self.record.facts.networks, *self.record.facts.networks6)
        looked = {one for view in self.record.views for one in view.networks}
        return tuple(one for one in whole if one not in looked)


@dataclass(frozen=True)
class Audited:
    """What the verb prints."""

    case: Case
    code: ExitCode
    folder: Path
    findings: tuple[FindingData, ...]
    faults: tuple[WizaraError, ...] = ()
    """What kept a part of it from its end."""

    @property
    def compared(self) -> bool:
        """True when there was an earlier audit to compare with."""
        return bool(self.case.verdicts.past) or any(one.status in {"open", "regressed"} for one in self.case.findings)

    @property
    def counts(self) -> dict[Severity, int]:
        """Pending findings by severity."""
        return self.case.counts

    @property
    def proofs(self) -> int:
        """Promises that hold."""
        return len(self.case.verdicts.proofs)

    @property
    def unknown(self) -> int:
        """What could not be judged."""
        return len(self.case.unknown)


class AuditSummary(Record):
    """What ``--json`` prints."""

    run: str
    world: str
    exit_code: int
    folder: str
    views: tuple[View, ...]
    """From where what was looked at."""
    counts: dict[Severity, int]
    proofs: int
    unknown: int
    findings: tuple[FindingData, ...]
    past: tuple[Past, ...] = ()
    """What an earlier audit found and this one did not: mended, or not seen."""


def prepare(order: Order) -> Prepared:
    """Check everything that can be checked without a packet; Refusal or UsageFault when something is not right."""
    ministry = load_ministry(resolve(order.ministry)) if order.ministry else None
    world, namespace = _world(order, ministry)
    if ministry and world.state:
        ministry = load_ministry(Path(ministry.folder), enrolled=world.state / "enrolled.yaml")
    started = datetime.now(UTC)
    mandate_path = order.mandate or Path(ministry.folder if ministry else ".") / "mandate.yaml"
    mandate = read_mandate(mandate_path)
    mandate.limits(lab=world.is_lab).check_time(started.astimezone())
    if order.logins:
        check_logins(mandate)
    exceptions = Path(ministry.folder) / "exceptions.yaml" if ministry else None
    if exceptions:
        read_exemptions(exceptions)  # a fault in it is told now, not after hours
    moment = started.isoformat(timespec="seconds")
    facts = (
        declared_facts(ministry, order.site, order.lans, moment)
        if ministry and order.site
        else bare_facts(order.networks, moment)
    )
    read_mandate(mandate_path, (*facts.hosts, *facts.elsewhere))
    limits = mandate.limits(lab=world.is_lab)
    check_networks(mandate, facts.networks if ministry else (*facts.networks, *facts.networks6), lab=world.is_lab)
    outside = tuple(one for one in facts.networks6 if not limits.covers(one))
    facts = facts.model_copy(update={"networks6": tuple(one for one in facts.networks6 if one not in outside)})
    facts = facts.model_copy(update={"segmentation": order.segmentation})
    ground = Ground(ministry, order.site, world, (*facts.networks, *facts.networks6), namespace)
    legs = choose(ground, order.source, order.interface, over_wan=order.over_wan)
    beyond = [check_station(mandate, leg.station.name, leg.station.address) for leg in legs if leg.station]
    if order.baseline:
        RunFolder.open(order.runs, order.baseline).read(VERDICTS, Verdicts)
    record = _record(order, ministry, mandate_path, facts, legs)
    begun = begin(order.runs, record, world, order.resume, order.append)
    devices = _devices(order, ministry, world)
    jobs = tuple((_job(begun, order, leg, devices, lab=world.is_lab), leg.namespace) for leg in legs)
    if order.segmentation and not order.passive:
        jobs += tuple((job.model_copy(update={"subject": "segmentation"}), namespace) for job, namespace in jobs)
    folder = Path(ministry.folder) if ministry else None
    return Prepared(
        world, begun.folder, jobs, begun.record, devices, exceptions, outside,
        begun.earlier, order.baseline, folder / "sites" / f"{order.site}.yaml" if folder else None,
        tuple(filter(None, beyond)),
    )  # fmt: skip


def _record(
    order: Order, ministry: Ministry | None, mandate: Path, facts: LanFacts, legs: tuple[Leg, ...]
) -> AuditRecord:
    site = ministry.sites[order.site] if ministry and order.site else None
    return AuditRecord(
        ministry=ministry.name if ministry else "network",
        title=ministry.declaration.title if ministry else None,
        country=ministry.declaration.country if ministry else None,
        site=order.site,
        site_title=site.title if site else None,
        mandate=read_mandate(mandate),
        mandate_hash=hashlib.sha256(mandate.read_bytes()).hexdigest(),
        facts=facts,
        views=tuple(View(vantage=leg.vantage, station=leg.station is not None, networks=leg.networks) for leg in legs),
        versions=versions(),
        pace=PROFILES[order.profile],
        logins=order.logins and not order.passive,
    )


def _job(begun: Begun, order: Order, leg: Leg, devices: tuple[DeviceLogin, ...], *, lab: bool) -> Job:
    mine = tuple(one for one in devices if any(one.address in network for network in leg.networks))
    assert begun.record.mandate is not None
    return Job(
        run=begun.folder.run.id, interface=order.interface, facts=begun.record.facts, networks=leg.networks,
        stands=leg.stands, routed=leg.routed, station=leg.station, mandate=begun.record.mandate, lab=lab,
        vantage=leg.vantage, devices=mine,
        pace=CAPPED if leg.capped else begun.record.pace, ports=order.ports, listen=order.listen, passive=order.passive,
        logins=order.logins,
        done=begun.done(leg.vantage),
    )  # fmt: skip


Progress = Callable[[Observation], None]
Collected = tuple[tuple[Observation, ...], tuple[WizaraError, ...]]
"""What was seen, and what kept a part of it from its end."""
Collecting = Callable[["Prepared", Progress], Collected]


def run(
    prepared: Prepared, fail_on: Severity | str, progress: Progress,
    collecting: Collecting | None = None,
) -> Audited:  # fmt: skip
    """Collect (from the networks, unless *collecting* says otherwise), judge and record; the end is recorded whatever happens."""
    folder, code = prepared.folder, ExitCode.INTERNAL
    folder.write(AUDIT, prepared.record)
    try:
        observations, faults = (collecting or _collected)(prepared, progress)
        verdicts = _judged(prepared, observations)
        folder.write(VERDICTS, verdicts)
        pending = (one.verdict.severity for one in verdicts.findings if one.status != "accepted")
        found = any(at_least(severity, _severity(fail_on)) for severity in pending)
        code = worst([*(fault.code for fault in faults), ExitCode.PENDING if found else ExitCode.DONE])
    except WizaraError as fault:
        code = fault.code
        raise
    except KeyboardInterrupt:
        code = ExitCode.INTERRUPTED
        raise
    finally:
        folder.finish(folder.run.model_copy(update={"ended": datetime.now(UTC), "exit_code": int(code)}))
    case = read_case(folder)
    words, texts = Words(language(), case.audit.country), Catalogue(language())
    return Audited(case, code, folder.path, tuple(finding(one, texts, words) for one in case.findings), faults)


def _collected(prepared: Prepared, progress: Progress) -> Collected:
    """Return what was seen from all places, and what went wrong at some; the fault itself when nothing was seen at all."""
    observations = [*prepared.earlier]
    faults: list[WizaraError] = []

    def keep(seen: Observation) -> None:
        prepared.folder.append(OBSERVATIONS, seen)
        observations.append(seen)
        progress(seen)

    for job, namespace in prepared.jobs:
        try:
            locked = any(one.flag("locked") for one in observations)
            for seen in collect(job.model_copy(update={"locked": locked}), namespace):
                keep(seen)
        except (Unreachable, Unfinished, Refusal) as fault:
            faults.append(fault)
            read = {(one.kind, one.target.ip) for one in observations}
            lost = set(job.targets) if job.subject == "lan" else set()
            for blind in _blind(prepared, lost, "lost", job.vantage, read):
                keep(blind)
    if faults and not any(one.kind == "sweep" and "reason" not in one.data for one in observations):
        raise faults[0]
    for blind in _blind(prepared, set(prepared.unseen), "no-vantage", HERE, set()):
        keep(blind)
    for blind in _blind(prepared, set(prepared.outside), "outside-mandate", HERE, set()):
        keep(blind)
    return tuple(observations), tuple(faults)


def _blind(
    prepared: Prepared, networks: set[Network], reason: str, vantage: str, read: set[tuple[Kind, str | None]]
) -> Iterator[Observation]:
    """Yield the observations that *networks* could not be looked at, or not to the end, nor their devices not yet *read*."""

    def seen(kind: Kind, data: dict[str, JsonValue], ip: str | None = None) -> Observation:
        return Observation(
            run=prepared.folder.run.id, time=now(), collector="vantage", vantage=vantage, kind=kind, data=data,
            target=Target(site=prepared.record.site, ip=ip),
        )  # fmt: skip

    for network in sorted(networks, key=lambda one: (one.version, one)):
        yield seen("sweep", {"network": str(network), "on_link": False, "reason": reason})
        for device in prepared.devices:
            wanted: tuple[Kind, ...] = ("config", "tables") if device.snmp else ("config",)
            for kind in wanted if device.address in network else ():
                if (kind, str(device.address)) not in read:
                    yield seen(kind, {"answer": False, "reason": reason}, str(device.address))


def summary(done: Audited) -> AuditSummary:
    """Return what ``--json`` prints."""
    run_ = done.case.run
    return AuditSummary(
        run=run_.id,
        world=run_.world,
        exit_code=int(done.code),
        folder=str(done.folder),
        views=done.case.audit.views,
        counts=done.counts,
        proofs=done.proofs,
        unknown=done.unknown,
        findings=done.findings,
        past=done.case.verdicts.past,
    )


def _judged(prepared: Prepared, observations: tuple[Observation, ...]) -> Verdicts:
    facts = prepared.record.facts
    rules = load("audits.lan.rules").RULES
    verdicts = judge(rules, observations, facts)
    day = datetime.fromisoformat(facts.moment).date()
    exemptions = read_exemptions(prepared.exceptions) if prepared.exceptions else ()
    before = baseline(prepared.folder, prepared.record, prepared.baseline)
    looked = Looked(rules, verdicts, observations) if before else None
    return conclude(verdicts, exemptions, day, before, looked)


def _severity(word: Severity | str) -> Severity:
    return next(name for name in ("critical", "high", "medium", "low", "info") if name == word)


def _world(order: Order, ministry: Ministry | None) -> tuple[World, Path | None]:
    """Return the world to act in and the network namespace to look from."""
    if order.lab is None:
        return World(), None
    be_root()
    from wizara.lab import find

    if not order.lab and ministry is None:
        raise UsageFault(_("--lab needs its name here"))
    lab = find(order.lab or (ministry.name if ministry else ""), order.ministry)
    return lab.world(), lab.namespace("auditor")


def _devices(order: Order, ministry: Ministry | None, world: World) -> tuple[DeviceLogin, ...]:
    if ministry is None or order.site is None:
        return ()
    lans = order.lans or tuple(ministry.sites[order.site].lans)
    return device_logins(Scene(ministry, world), order.site, lans, order.credentials)


def versions() -> dict[str, str]:
    """Return the versions of what an audit's record rests on."""
    names = ("cryptography", "netmiko", "pysnmp", "ssh-audit", "typst")
    return {"wizara": __version__, "python": platform.python_version()} | {name: version(name) for name in names}
