"""What the engine knows of each host before it meets it; loads neither pyinfra nor templates, so that connecting can begin first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wizara.blueprint import derive
from wizara.engine import PROVISIONER
from wizara.engine.carrier import Way
from wizara.inventory.models import Ministry

#: Which of a host's data :func:`way` reads.
WAY = ("ssh_hostname", "ssh_user", "wizara_host_key", "ssh_port", "ssh_key", "wizara_pins")


def host_data(
    ministry: Ministry, *, run: str, ssh_key: str | None, secrets: dict[str, dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Return node name → pyinfra host data of every node of *ministry*."""
    blueprint = derive(ministry)
    enrolled = ministry.enrolled.nodes
    known = {name: plan for name, plan in blueprint.nodes.items() if name in enrolled}
    pins = tuple((str(plan.manage), enrolled[name].host_key) for name, plan in known.items())
    found: dict[str, dict[str, Any]] = {}
    for name, plan in blueprint.nodes.items():
        found[name] = {
            "ssh_hostname": str(plan.manage),
            "ssh_user": PROVISIONER,
            "wizara_host_key": enrolled[name].host_key if name in enrolled else "",
            "wizara_pins": pins,
            "wizara_node": plan,
            "wizara_run": run,
            "wizara_secrets": secrets.get(name, {}),
            "_sudo": True,
        } | ({"ssh_key": ssh_key} if ssh_key else {})
    return found


def way(name: str, data: Mapping[str, Any]) -> Way:
    """Return how the host *name* is reached, by its pyinfra *data*."""
    return Way(
        address=data.get("ssh_hostname") or name,
        user=data.get("ssh_user") or PROVISIONER,
        pin=str(data.get("wizara_host_key") or ""),
        port=data.get("ssh_port") or 22,
        key_file=data.get("ssh_key"),
        pins=data.get("wizara_pins") or (),
    )
