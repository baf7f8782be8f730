"""Promises of every node: it can be reached, its services run, its filter stands, its SSH is closed to passwords, its time."""

from __future__ import annotations

from collections.abc import Iterator

from audits.node.units import units
from wizara.audit.observation import Seen
from wizara.audit.promises import Promises, about, node_subject
from wizara.audit.rule import Judgement, broken, holds, rule, unknown

_OFFSET = 1.0
"""Seconds that a clock may be off its source."""


@rule("NOD-001", scope="declared", kinds=("reachability",), cvss="CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H")
def reachable(seen: Seen, facts: Promises) -> Iterator[Judgement]:
    """The node lets the provisioning account in, with the host key that was pinned."""
    for plan in facts.plans():
        evidence = about(seen, "meet", "reachability", node=plan.name)
        if not evidence:
            yield unknown(node_subject(plan), "not-asked")
        elif evidence[-1].flag("answer"):
            yield holds(node_subject(plan), evidence)
        else:
            yield broken(node_subject(plan), evidence, node=plan.name, fault=evidence[-1].text("fault"))


@rule("NOD-002", scope="declared", kinds=("unit",), cvss="CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H")
def units_run(seen: Seen, facts: Promises) -> Iterator[Judgement]:
    """Every unit that the node's parts bring is active; one that systemd skipped is not."""
    for plan in facts.plans():
        for unit in units(plan):
            subject, evidence = node_subject(plan, unit), about(seen, "units", "unit", node=plan.name, unit=unit)
            if not evidence:
                yield unknown(subject, "node-silent")
                continue
            state = evidence[-1]
            if state.text("active") == "active" and state.data.get("condition") is True:
                yield holds(subject, evidence)
            else:
                word = "skipped" if state.data.get("condition") is not True else state.text("active") or "unknown"
                word = state.text("load") if state.text("load") not in {"", "loaded"} else word
                yield broken(subject, evidence, unit=unit, node=plan.name, state=word)


@rule("NOD-003", scope="declared", kinds=("unit",), cvss="CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:L/I:L/A:N")
def filter_stands(seen: Seen, facts: Promises) -> Iterator[Judgement]:
    """The packet filter is in force, refuses by default, and no rule of it accepts everything."""
    for plan in facts.plans():
        subject, evidence = node_subject(plan), about(seen, "filter", "unit", node=plan.name)
        if not evidence:
            yield unknown(subject, "node-silent")
            continue
        one = evidence[-1]
        faults = [] if one.flag("table") else ["inet wizara"]
        faults += [f"{chain}: {one.text(chain) or '-'}" for chain in ("input", "forward") if one.text(chain) != "drop"]
        faults += [f"{chain}: accept" for chain in one.texts("wide")]
        if faults:
            yield broken(subject, evidence, node=plan.name, faults=", ".join(faults))
        else:
            yield holds(subject, evidence)


@rule("NOD-004", scope="declared", kinds=("unit",), cvss="CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:H/I:H/A:H")
def ssh_takes_keys_only(seen: Seen, facts: Promises) -> Iterator[Judgement]:
    """The SSH server in its effective settings refuses root and passwords."""
    for plan in facts.plans():
        subject, evidence = node_subject(plan), about(seen, "sshd", "unit", node=plan.name)
        if not evidence or not evidence[-1].text("permitrootlogin"):
            yield unknown(subject, "node-silent", evidence)
            continue
        names = ("permitrootlogin", "passwordauthentication", "kbdinteractiveauthentication")
        faults = [f"{name} {evidence[-1].text(name)}" for name in names if evidence[-1].text(name) != "no"]
        yield broken(subject, evidence, settings=", ".join(faults)) if faults else holds(subject, evidence)


@rule("NOD-005", scope="declared", kinds=("time",), cvss="CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:N/I:L/A:L")
def time_source_answers(seen: Seen, facts: Promises) -> Iterator[Judgement]:
    """The declared time source answered chrony at least once in its last eight questions."""
    for plan in facts.plans("node"):
        for source in map(str, plan.time_sources):
            subject = node_subject(plan, source)
            evidence = about(seen, "source", "time", node=plan.name, source=source)
            if evidence and (evidence[-1].number("reach") or 0) > 0:
                yield holds(subject, evidence)
            elif about(seen, "filter", "unit", node=plan.name):
                yield broken(subject, evidence, source=source, node=plan.name)
            else:
                yield unknown(subject, "node-silent")


@rule("NOD-006", scope="declared", kinds=("time",), cvss="CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:N/I:L/A:L")
def clock_is_right(seen: Seen, facts: Promises) -> Iterator[Judgement]:
    """The clock is within a second of its source; a lab's clock is this computer's, and proves nothing."""
    for plan in facts.plans("node"):
        subject, evidence = node_subject(plan), about(seen, "tracking", "time", node=plan.name)
        if facts.lab:
            yield unknown(subject, "lab-clock", evidence)
        elif not plan.time_sources:
            yield unknown(subject, "own-clock", evidence)
        elif not evidence:
            yield unknown(subject, "node-silent")
        else:
            offset = evidence[-1].data.get("offset")
            good = isinstance(offset, int | float) and offset <= _OFFSET and evidence[-1].text("leap") == "Normal"
            yield holds(subject, evidence) if good else broken(subject, evidence, node=plan.name, offset=str(offset))
