"""What ``wizara verify`` does between its options and its output: ground → observations → verdicts → record."""

from __future__ import annotations

import contextlib
import platform
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from wizara import __version__
from wizara.audit.exceptions import conclude
from wizara.audit.promises import Promises, Verification
from wizara.audit.rule import judge
from wizara.audit.verdict import Outcome, Verdict
from wizara.blueprint import derive
from wizara.cli.world import Scene, refuse_unenrolled
from wizara.engine.ground import Gateway, Ground, Host, Place, meet
from wizara.errors import ExitCode, WizaraError
from wizara.inventory.required import dashed, mail_servers
from wizara.inventory.secrets import Secret, find_identity, open_secrets, read_identity
from wizara.record.folder import RunFolder
from wizara.record.run import Record
from wizara.report.case import OBSERVATIONS, VERDICTS, VERIFICATION
from wizara.report.proof_data import PromiseData, count, promise
from wizara.report.proofs import SUBJECTS
from wizara.report.words import Catalogue, Words
from wizara.text import N_, language
from wizara.tree import load


class VerifySummary(Record):
    """What ``--json`` prints, and ``verify.json`` of the run."""

    run: str
    world: str
    ministry: str
    nodes: tuple[str, ...]
    exit_code: int
    folder: str
    counts: dict[Outcome, int]
    promises: tuple[PromiseData, ...]


@dataclass(frozen=True)
class Order:
    """What is to be verified."""

    scene: Scene
    nodes: tuple[str, ...]
    runs: Path


def verify(order: Order, progress: Callable[[str, str], None]) -> VerifySummary:
    """Look, judge and record; the run's end is recorded whatever happens."""
    found = order.scene
    refuse_unenrolled(found.ministry, order.nodes)
    opened = _secrets(found)
    folder = RunFolder.create(order.runs, "verify", found.ministry.name, found.world)
    code: ExitCode = ExitCode.INTERNAL
    try:
        ground = Ground(
            run=folder.run.id, ministry=found.ministry, blueprint=derive(found.ministry), nodes=order.nodes,
            lab=found.world.is_lab, secrets=opened, canary=f"wizara-canary-{secrets.token_hex(12)}", progress=progress,
        )  # fmt: skip
        _collect(order, ground)
        for seen in ground.observations:
            folder.append(OBSERVATIONS, seen)
        for name, content in ground.kept.items():
            folder.write_bytes(name, content)
        facts = Promises(found.ministry, ground.blueprint, order.nodes, ground.lab, ground.foreign)
        judged = {
            one: judge(load(f"audits.{one}.rules").RULES, ground.observations, facts, "declared") for one in SUBJECTS
        }
        verdicts = tuple(verdict for one in judged.values() for verdict in one)
        folder.write(VERIFICATION, _verification(order))
        folder.write(VERDICTS, conclude(verdicts, (), datetime.now(UTC).date()))
        code = ExitCode.PENDING if any(one.outcome == "broken" for one in verdicts) else ExitCode.DONE
        result = _summary(order, folder, judged, code)
        folder.write("verify.json", result)
    except WizaraError as fault:
        code = fault.code
        raise
    except KeyboardInterrupt:
        code = ExitCode.INTERRUPTED
        raise
    finally:
        folder.finish(folder.run.model_copy(update={"ended": datetime.now(UTC), "exit_code": int(code)}))
    return result


def _verification(order: Order) -> Verification:
    declared = order.scene.ministry
    return Verification(
        ministry=declared.name, title=declared.declaration.title, country=declared.declaration.country,
        nodes=order.nodes, versions={"wizara": __version__, "python": platform.python_version()},
    )  # fmt: skip


def _secrets(found: Scene) -> dict[str, Secret]:
    """Return the opened password of the mailbox of proofs; nothing when no node serves mail."""
    servers = mail_servers(found.ministry)
    if not servers:
        return {}
    site = next(iter(servers.values()))[0]
    name = f"mailbox-{dashed(found.ministry.declaration.mail.probe)}"
    opened = open_secrets(found.secrets, [f"{site}/{name}"], read_identity(find_identity(found.identity)))
    return {name: opened[f"{site}/{name}"]}


def _collect(order: Order, ground: Ground) -> None:
    """Fill *ground* with places and observations."""
    found = order.scene
    ground.progress("verify", N_("logging in"))
    meet(ground, found.world.namespace, found.ssh_key)
    with contextlib.ExitStack() as stack:
        for machine in ground.machines.values():
            stack.enter_context(machine)
        ground.places = tuple(_places(order, ground))
        if found.world.is_lab:
            _equip_from_lab(order, ground)
        for one, words in (("node", N_("looking at the nodes")), ("names", N_("asking the name servers"))):
            ground.progress("verify", words)
            load(f"audits.{one}.collectors").collect(ground)
        ground.progress("verify", N_("trying the intranet and the mail"))
        plans = [ground.blueprint.nodes[name] for name in order.nodes]
        mail = load("audits.mail.collectors").collect if any(plan.mail for plan in plans) else (lambda _ground: None)
        if any(plan.tunnel for plan in plans):
            load("audits.intranet.collectors").collect(ground, lambda: mail(ground))
        else:
            mail(ground)


def _places(order: Order, ground: Ground) -> Iterator[Place]:
    """Yield where connections are tried from: the lab's workstations, or the field's gateways."""
    if order.scene.world.is_lab:
        from wizara.lab import find, namespace

        lab = find(order.scene.world.name or "")
        for site, declared in ground.ministry.sites.items():
            for name, host in declared.hosts.items():
                path = namespace.path(lab.name, name)
                if host.role == "workstation" and path.exists():
                    yield Host(name, site, host.address, path, name)
        return
    for name, machine in ground.machines.items():
        plan = ground.blueprint.nodes[name]
        lans = [port.address.ip for port in plan.lans if port.address and port.purpose != "administration"]
        if plan.is_gateway and lans:
            yield Gateway(name, plan.site, lans[-1], machine, f"{name} ({lans[-1]})")


def _equip_from_lab(order: Order, ground: Ground) -> None:
    from wizara.lab import find, rehearsal

    ground.capture = find(order.scene.world.name or "").capture
    names = rehearsal.read(order.scene.folder).outside.names
    ground.foreign = next(((str(name), str(address)) for name, address in names.items()), None)


def _summary(order: Order, folder: RunFolder, judged: dict[str, tuple[Verdict, ...]], code: ExitCode) -> VerifySummary:
    texts, words = Catalogue(language(), SUBJECTS), Words(language(), order.scene.ministry.declaration.country)
    promises = tuple(
        promise(one, topic, texts, words) for topic, verdicts in judged.items() for one in sorted(verdicts, key=_place)
    )
    return VerifySummary(
        run=folder.run.id, world=folder.run.world, ministry=folder.run.ministry, nodes=order.nodes, exit_code=int(code),
        folder=str(folder.path), counts=count(promises), promises=promises,
    )  # fmt: skip


def _place(verdict: Verdict) -> tuple[str, str, str]:
    """Return where a promise stands in the table: many places look at once, and their order means nothing."""
    return verdict.rule, verdict.subject.name, verdict.subject.service or ""
