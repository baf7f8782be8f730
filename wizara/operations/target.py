"""What a deploy asks about the node it is running for."""

from __future__ import annotations

from collections.abc import Mapping

from pyinfra.context import host

from wizara.blueprint import NodePlan
from wizara.errors import UsageFault
from wizara.inventory.secrets import Secret
from wizara.text import _


def this_node() -> NodePlan:
    """Return the plan of the node that operations are being made for."""
    plan = host.data.get("wizara_node")
    if not isinstance(plan, NodePlan):
        raise UsageFault(
            _("{host} does not come from a wizara inventory").format(host=host.name), hint=_("use @wizara/MINISTRY")
        )
    return plan


def this_run() -> str:
    """Return the id of the run, which names what is kept on the node."""
    return str(host.data.get("wizara_run") or "cli")


def secret(name: str) -> Secret:
    """Return the opened secret *name* of this node; UsageFault when it was never made."""
    opened: Mapping[str, Secret] = host.data.get("wizara_secrets") or {}
    if name not in opened:
        raise UsageFault(
            _("the secret {name} is missing").format(name=name), hint=_("wizara secrets generate makes it")
        )
    return opened[name]
