"""What machines in namespaces cannot show: a kernel of their own, its clock and its tunnels, in the field's own world, and a cut of their power."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "lab"))
from emulated import MACHINES, Emulated
from houses import environment

pytestmark = [pytest.mark.lab, pytest.mark.vm]


@dataclass
class Field:
    """The ministry, enrolled and applied over the field's own verbs."""

    machines: Emulated
    inventory: Path

    def wizara(self, *words: str, timeout: float = 900) -> subprocess.CompletedProcess[str]:
        """Run a verb where the operator stands, as an engineer with a home of his own."""
        line = ["ip", "netns", "exec", self.machines.space, sys.executable, "-m", "wizara", *words]
        settings = environment() | {"HOME": str(self.machines.home), "WIZARA_CONFIRM_SECONDS": "120"}
        return subprocess.run(line, env=settings, capture_output=True, text=True, check=False, timeout=timeout, cwd=self.machines.folder)  # fmt: skip

    def apply(self) -> subprocess.CompletedProcess[str]:
        return self.wizara("apply", str(self.inventory), "--yes", "--all-sites", "--json")


def said(done: subprocess.CompletedProcess[str]) -> str:
    """Return what became of each machine in an apply, and the end of what was shown."""
    nodes = json.loads(done.stdout)["nodes"] if done.stdout.startswith("{") else []
    return "\n".join(f"{one['node']}: {one['outcome']} {one['message']}" for one in nodes) + "\n" + done.stderr[-2000:]


@pytest.fixture(scope="module", params=["trixie"])
def field(request: pytest.FixtureRequest) -> Iterator[Field]:
    with Emulated(request.param) as machines:
        one = Field(machines, machines.inventory())
        for name in MACHINES:
            met = one.wizara(
                "enrol",
                str(one.inventory),
                name,
                "--key",
                str(machines.key),
                "--fingerprint",
                machines.fingerprint(name),
            )
            assert met.returncode == 0, met.stdout + met.stderr
        done = one.wizara("secrets", "generate", str(one.inventory))
        assert done.returncode == 0, done.stdout + done.stderr
        done = one.apply()
        assert done.returncode == 0, said(done)
        yield one


def test_a_second_apply_in_the_field_changes_nothing(field: Field) -> None:
    done = field.wizara("plan", str(field.inventory), "--json")
    assert done.returncode == 0, done.stdout


def test_the_tunnel_is_the_kernels_own(field: Field) -> None:
    for name in MACHINES:
        assert "wireguard" in field.machines.sh(name, "ip -d link show wg0")
        assert field.machines.sh(name, "pgrep -x wireguard-go; true") == ""
    assert "1 received" in field.machines.sh("gw-ons", "ping -c1 -W20 -I 10.89.0.1 10.88.0.1")


def test_the_kernel_has_the_settings_that_were_written(field: Field) -> None:
    script = "grep -hE '^[a-z]' /etc/sysctl.d/60-wizara.conf | while IFS='= ' read -r name value; do echo \"$value $(sysctl -n $name)\"; done"
    for name in MACHINES:
        pairs = [line.split() for line in field.machines.sh(name, script).splitlines()]
        assert len(pairs) >= 6
        assert [pair for pair in pairs if pair[0] != pair[1]] == []


def test_the_clock_is_steered_by_the_machine_itself(field: Field) -> None:
    for name in MACHINES:
        assert "-x" not in field.machines.sh(name, "tr '\\0' ' ' < /proc/$(pgrep -xo chronyd)/cmdline").split()
    field.machines.sh(
        "gw-ons",
        "date -s '-5 seconds' > /dev/null; chronyc -a 'burst 4/4' makestep > /dev/null 2>&1; systemctl restart chrony",
    )
    deadline = time.monotonic() + 240
    while abs(_clock(field, "gw-ons") - _clock(field, "gw-hq")) > 2:
        assert time.monotonic() < deadline, field.machines.sh("gw-ons", "journalctl -u chrony -n 20 --no-pager")
        time.sleep(5)


def _clock(field: Field, name: str) -> float:
    before = time.monotonic()
    return float(field.machines.sh(name, "date +%s.%N")) - (before + time.monotonic()) / 2


def test_services_are_confined_where_debian_confines_them(field: Field) -> None:
    assert field.machines.sh("gw-hq", "cat /sys/module/apparmor/parameters/enabled").strip() == "Y"
    for service in ("chronyd", "unbound"):
        assert "(enforce)" in field.machines.sh("gw-hq", f"cat /proc/$(pgrep -xo {service})/attr/current"), service


def test_promises_are_proven_in_the_field(field: Field) -> None:
    done = field.wizara("verify", str(field.inventory), "--json")
    told: dict[str, Any] = json.loads(done.stdout)
    assert told["world"] == "field"
    broken = [
        (one["rule"], one["subject"]["name"], one["seen"]) for one in told["promises"] if one["outcome"] == "broken"
    ]
    assert broken == []
    assert told["counts"]["holds"] >= 20
    assert not [one for one in told["promises"] if one["reason"] and "lab" in one["reason"]]


def test_a_restart_keeps_everything(field: Field) -> None:
    for name in MACHINES:
        field.machines.restart(name)
    done = field.wizara("plan", str(field.inventory), "--json")
    assert done.returncode == 0, done.stdout
    assert "1 received" in field.machines.sh("gw-ons", "ping -c1 -W20 -I 10.89.0.1 10.88.0.1")


@pytest.mark.parametrize("moment", [3.0, 8.0, 14.0])
def test_a_cut_of_power_in_an_apply_is_healed_by_the_next(field: Field, moment: float) -> None:
    """The disk of gw-ons keeps what it had acknowledged; the next apply comes to the declared state, and then has nothing to do."""
    flow = {"from": "gw-ons", "to": "gw-hq", "services": [f"tcp/{8000 + int(moment)}"], "reason": "essai"}
    field.machines.inventory(flows=[flow], dns={"forward": ["192.0.2.1"]} if moment > 5 else {})
    line = [
        "ip",
        "netns",
        "exec",
        field.machines.space,
        sys.executable,
        "-m",
        "wizara",
        "apply",
        str(field.inventory),
        "--yes",
        "--all-sites",
    ]
    running = subprocess.Popen(line, env=environment() | {"HOME": str(field.machines.home), "WIZARA_CONFIRM_SECONDS": "120"}, cwd=field.machines.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    time.sleep(moment)
    field.machines.cut_power("gw-ons")
    running.wait(timeout=600)
    field.machines.start("gw-ons")
    field.machines.wait("gw-ons")
    time.sleep(5)
    done = field.apply()
    assert done.returncode == 0, said(done)
    plan = field.wizara("plan", str(field.inventory), "--json")
    assert plan.returncode == 0, plan.stdout[-3000:]
