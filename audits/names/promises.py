"""Promises of the name server, each asked from each node."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address

from wizara.audit.observation import Seen
from wizara.audit.promises import Promises, about, node_subject
from wizara.audit.rule import Judgement, broken, holds, rule, unknown
from wizara.blueprint import NodePlan

_CVSS = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"


def _answered(seen: Seen, plan: NodePlan, name: str, expected: set[str]) -> Judgement:
    """Judge that *plan*'s node is told exactly *expected* for *name*."""
    subject, evidence = node_subject(plan, name), about(seen, "getent", "dns", node=plan.name, name=name)
    if not evidence:
        return unknown(subject, "node-silent")
    found = {value.rstrip(".") for value in evidence[-1].texts("values")}
    if found == expected:
        return holds(subject, evidence)
    return broken(
        subject, evidence, node=plan.name, name=name, found=", ".join(sorted(found)) or "-", declared=", ".join(sorted(expected))
    )  # fmt: skip


@rule("DNS-001", scope="declared", kinds=("dns",), cvss=_CVSS)
def mail_name_is_known(seen: Seen, facts: Promises) -> Iterator[Judgement]:
    """Every node is told the declared address of the mail system."""
    for plan in facts.plans():
        name = f"mail.{plan.domain}"
        if plan.resolvers and facts.addresses(name):
            yield _answered(seen, plan, name, set(facts.addresses(name)))


@rule("DNS-002", scope="declared", kinds=("dns",), cvss=_CVSS)
def own_name_and_back(seen: Seen, facts: Promises) -> Iterator[Judgement]:
    """A node's own name leads to its declared address, and the address back to the name."""
    pointers = {record.name: record.value.rstrip(".") for zone in facts.blueprint.zones for record in zone.records
                if record.type == "PTR"}  # fmt: skip
    for plan in facts.plans():
        addresses = facts.addresses(plan.fqdn)
        if plan.resolvers and addresses:
            yield _answered(seen, plan, plan.fqdn, set(addresses))
        for address in addresses:
            pointer = pointers.get(f"{IPv4Address(address).reverse_pointer}.")
            if plan.resolvers and pointer:
                yield _answered(seen, plan, address, {pointer})


@rule("DNS-003", scope="declared", kinds=("dns",), cvss=_CVSS)
def foreign_names_are_asked_onwards(seen: Seen, facts: Promises) -> Iterator[Judgement]:
    """A name outside the ministry is resolved too."""
    for plan in facts.plans():
        if plan.resolvers and facts.foreign:
            yield _answered(seen, plan, facts.foreign[0], {facts.foreign[1]})
        elif plan.resolvers:
            yield unknown(node_subject(plan), "no-foreign-name")


@rule("DNS-004", scope="declared", kinds=("dns",), cvss="CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:L/I:L/A:N")
def unknown_names_are_refused(seen: Seen, facts: Promises) -> Iterator[Judgement]:
    """A name of the ministry that nobody declared does not exist (NXDOMAIN): it is not asked of strangers."""
    for plan in facts.plans():
        subject, evidence = node_subject(plan), about(seen, "question", "dns", node=plan.name)
        if not plan.resolvers:
            continue
        if not evidence:
            yield unknown(subject, "node-silent")
        elif evidence[-1].text("code") == "NXDOMAIN":
            yield holds(subject, evidence)
        else:
            code = evidence[-1].text("code") or "-"
            yield broken(subject, evidence, node=plan.name, name=evidence[-1].text("name"), code=code)
