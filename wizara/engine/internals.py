"""The only place that touches what pyinfra 3.10 does not promise; a contract test names each of these.

Touched: ``Host.op_hash_order``, ``State.ops/op_meta/active_hosts/failed_hosts``, ``api.operations.run_host_op``,
``Host.connector_cls`` before ``State`` binds it, ``SSHConnector._connect`` and ``.client``. Operations are added in API mode,
per host, by executing the deploy file once a host; ``Host.loop_position`` is used to keep the operations of hosts apart, which
pyinfra 3.10 would merge by their number.
"""

from __future__ import annotations

from pyinfra.api.host import Host
from pyinfra.api.operations import run_host_op
from pyinfra.api.state import State


def give_own_operations(state: State) -> None:
    """Keep the operations of each host apart from those of all others."""
    for index, host in enumerate(state.inventory):
        host.loop_position = [index]


def operations_of(state: State, host: Host) -> list[tuple[str, str]]:
    """Return (hash, name) of the operations that were made for *host*, in order."""
    return [(key, _name(state, key)) for key in host.op_hash_order if key in state.ops[host]]


def _name(state: State, key: str) -> str:
    return min(state.op_meta[key].names, default="")


def run_operation(state: State, host: Host, key: str) -> str | None:
    """Run one operation on *host*; return None, or what it said when it failed."""
    if run_host_op(state, host, key):
        return None
    meta = state.ops[host][key].operation_meta
    lines = [line for line in (meta.stderr_lines or meta.stdout_lines) if line.strip()]
    return " / ".join(lines[-6:]) or "the command failed without a word"
