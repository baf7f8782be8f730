"""Shows a ministry to pyinfra as ``@wizara/MINISTRY``: its nodes, their plans, and SSH to pinned host keys only."""

from __future__ import annotations

import base64
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paramiko
from pyinfra.api.exceptions import ConnectError, InventoryError
from pyinfra.connectors.ssh import SSHConnector

from wizara.blueprint import derive
from wizara.engine.reach import PROVISIONER
from wizara.errors import WizaraError
from wizara.inventory import load, resolve
from wizara.inventory.models import Ministry

_CONNECT_SECONDS = 15


class UnknownHostKey(Exception):
    """A machine shows a key that is not the pinned one; no authentication was tried."""


class _OnlyPinned(paramiko.MissingHostKeyPolicy):
    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        raise UnknownHostKey(f"{hostname} shows {key.get_name()} {key.fingerprint}, which is not pinned")


def host_data(
    ministry: Ministry, *, run: str, ssh_key: str | None, secrets: dict[str, dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Return node name → pyinfra host data of every node of *ministry*."""
    blueprint = derive(ministry)
    found: dict[str, dict[str, Any]] = {}
    for name, plan in blueprint.nodes.items():
        enrolled = ministry.enrolled.nodes.get(name)
        found[name] = {
            "ssh_hostname": str(plan.manage),
            "ssh_user": PROVISIONER,
            "wizara_host_key": enrolled.host_key if enrolled else "",
            "wizara_node": plan,
            "wizara_run": run,
            "wizara_secrets": secrets.get(name, {}),
            "_sudo": True,
        } | ({"ssh_key": ssh_key} if ssh_key else {})
    return found


class WizaraConnector(SSHConnector):
    """SSH to a node of a ministry. The only host key accepted is the one that was pinned at enrolment."""

    handles_execution = True

    @staticmethod
    def make_names_data(name: str) -> Iterator[tuple[str, dict[str, Any], list[str]]]:
        """Yield (node, data, groups) of every node of ministry *name*, for the stock pyinfra CLI."""
        state = os.environ.get("WIZARA_LAB_STATE")
        try:
            ministry = load(resolve(name), enrolled=Path(state) / "enrolled.yaml" if state else None)
            secrets = _open(ministry, Path(state) if state else None)
        except WizaraError as fault:
            raise InventoryError(str(fault)) from fault
        key = str(Path(state) / "operator_ed25519") if state else None
        for node, data in host_data(ministry, run="cli", ssh_key=key, secrets=secrets).items():
            plan = data["wizara_node"]
            yield node, data, [plan.site, *plan.parts]

    def _connect(self) -> None:
        """Connect; a key that is not pinned is refused before any authentication."""
        pinned = self.host.data.get("wizara_host_key")
        if not pinned:
            raise ConnectError(f"{self.host.name} is not enrolled: wizara enrol pins its key")
        kind, blob = str(pinned).split()[:2]
        settings = self.make_paramiko_kwargs()
        address = settings.pop("hostname")
        for name in [key for key in settings if key.startswith("_pyinfra")]:
            del settings[name]
        client: Any = paramiko.SSHClient()
        client.set_missing_host_key_policy(_OnlyPinned())
        client.get_host_keys().add(address, kind, paramiko.PKey.from_type_string(kind, base64.b64decode(blob)))
        try:
            client.connect(address, sock=_dial(address, int(settings.get("port", 22))), **settings)
        except (UnknownHostKey, paramiko.BadHostKeyException) as fault:
            raise ConnectError(f"host key refused: {fault}") from fault
        except paramiko.AuthenticationException as fault:
            raise ConnectError(f"{PROVISIONER}@{address}: login refused: {fault}") from fault
        self.client = client


def _dial(address: str, port: int) -> socket.socket:
    """Return a connected socket without Nagle's delay, which costs 40 ms a command (measured)."""
    connection = socket.create_connection((address, port), timeout=_CONNECT_SECONDS)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.settimeout(None)
    return connection


def _open(ministry: Ministry, state: Path | None) -> dict[str, dict[str, Any]]:
    """Return node → name → opened secret, for the stock CLI."""
    from wizara.inventory.secrets import secrets_of_nodes  # noqa: PLC0415 - the worker gets its secrets by pipe

    nodes = [name for _site, name, _node in ministry.nodes() if name in ministry.enrolled.nodes]
    folder = (state or Path(ministry.folder)) / "secrets"
    identity = state / "identity.age" if state else None
    return {node: dict(opened) for node, opened in secrets_of_nodes(ministry, nodes, folder, identity).items()}
