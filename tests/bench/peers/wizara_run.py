"""One whole plan and apply by wizara's runner: what is measured is this process, from its start to its end."""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import json  # noqa: E402 - nothing may be imported before the patch
import logging  # noqa: E402
import sys  # noqa: E402
from dataclasses import replace  # noqa: E402
from ipaddress import IPv4Address  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import gevent  # noqa: E402

sys.path.insert(0, str(Path(__file__).parents[1]))

from wizara import tree  # noqa: E402
from wizara.blueprint import derive  # noqa: E402
from wizara.engine import carrier  # noqa: E402
from wizara.engine.hosts import way  # noqa: E402
from wizara.inventory import load  # noqa: E402
from wizara.record.progress import Ended, Planned  # noqa: E402


def main() -> None:
    logging.getLogger("pyinfra").setLevel(logging.CRITICAL)
    logging.getLogger("paramiko").setLevel(logging.CRITICAL)
    asked = json.loads(sys.stdin.readline())
    pattern = next(iter(derive(load(tree.shipped_inventories() / "mps")).nodes.values()))
    hosts: dict[str, dict[str, Any]] = {}
    for number, address in enumerate(asked["addresses"]):
        plan = replace(pattern, name=f"host{number}", manage=IPv4Address(address), gateway=None)
        hosts[plan.name] = {
            "ssh_hostname": address, "ssh_port": asked["port"], "ssh_user": "root", "ssh_key": asked["key"], "_sudo": True,
            "wizara_host_key": asked["host_key"], "wizara_node": plan, "wizara_run": "bench", "wizara_secrets": {},
        }  # fmt: skip
    for name, data in hosts.items():  # as the worker does
        carrier.begin(way(name, data))
    gevent.sleep(0)
    from wizara.engine.internals import operations_of
    from wizara.engine.request import Go
    from wizara.engine.runner import Runner

    told: list[Any] = []
    runner = Runner(hosts, Path(__file__).with_name("wizara_deploy.py"), told.append)
    planned = runner.check()
    if asked["apply"]:
        runner.apply(Go(nodes=tuple(planned)))
    if asked["batch"]:
        _write_batch(runner, Path(asked["batch"]))
    peak = next(
        int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")
    )
    ended = [line for line in told if isinstance(line, Ended)]
    print(json.dumps({
        "planned": [len(line.changes) for line in told if isinstance(line, Planned)],
        "outcomes": [line.outcome for line in ended], "messages": [line.message for line in ended if line.message],
        "operations": [len(operations_of(runner._state, host)) for host in runner._state.inventory], "peak_kib": peak,
    }))  # fmt: skip


def _write_batch(runner: Any, path: Path) -> None:
    """Write what the first host was asked as the script that somebody would write by hand."""
    from wizara.engine.connector import connector

    host = next(iter(runner._state.inventory))
    questions = dict.fromkeys(question for found in connector(host).asked.values() for question in found)
    path.write_text(json.dumps([[question.script, *question.arguments] for question in questions]))


main()
