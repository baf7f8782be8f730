"""Operations on real machines of both releases, through the real worker: what they write, wait for, heal and leave alone."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import houses
import pytest
from houses import NODE, House

from wizara.engine.request import Request
from wizara.engine.session import Session
from wizara.lab import leftovers
from wizara.record.progress import Ended, Planned, PlannedChange, Step

pytestmark = pytest.mark.lab
_runs = itertools.count(1)
HEAD = "from wizara.operations import *\n"


@pytest.fixture(scope="module", params=["trixie", pytest.param("bookworm", marks=pytest.mark.slow)])
def machine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """An enrolled machine of each release, for all tests of this module."""
    name = f"o{os.getpid()}-{request.param}"
    folder = tmp_path_factory.mktemp(name) / "single"
    houses.write(folder, request.param, {"user": "root", "key": True})
    made = houses.build(folder, name)
    try:
        assert made.wizara("enrol").returncode == 0
        yield made
    finally:
        leftovers.clear(name)


class Act:
    """One deploy of a few lines, planned and applied by the worker."""

    def __init__(self, house: House, code: str, *, kill_at: str = "", secrets: dict[str, str] | None = None) -> None:
        path = Path(house.folder).parent / f"deploy-{next(_runs)}.py"
        path.write_text(HEAD + code)
        request = Request(
            verb="apply", folder=str(house.folder), enrolled=str(house.lab.folder / "enrolled.yaml"), nodes=(NODE,),
            run=f"run{next(_runs)}", deploy=str(path.with_suffix("")), ssh_key=str(house.lab.folder / "operator_ed25519"),
            secrets={NODE: secrets or {}},
        )  # fmt: skip
        self.planned: tuple[PlannedChange, ...] = ()
        self.ended: Ended | None = None
        self.lines: list[str] = []
        with Session(request, house.lab.world().namespace) as session:
            self._follow(session, "")
            if self.ended is None:
                session.go((NODE,))
                self._follow(session, kill_at)

    def _follow(self, session: Session, kill_at: str) -> None:
        for line in session.events():
            self.lines.append(line.model_dump_json())
            if isinstance(line, Planned):
                self.planned = line.changes
            elif isinstance(line, Ended):
                self.ended = line
            elif isinstance(line, Step) and kill_at and line.name == kill_at:
                time.sleep(1)
                session._process.kill()
                session._process.wait()
                return

    @property
    def outcome(self) -> str:
        assert self.ended, "it never ended"
        return self.ended.outcome

    @property
    def message(self) -> str:
        assert self.ended
        return self.ended.message

    def kinds(self) -> list[tuple[str, str]]:
        return [(change.kind, change.subject) for change in self.planned]


def test_a_file_has_its_owner_and_mode_and_is_replaced_whole(machine: House) -> None:
    code = "file(name='f', path='/etc/wz/f', content='one\\ntwo\\n', owner='sync', group='games', mode='640')"
    assert Act(machine, "directory(name='d', path='/etc/wz', mode='750')\n" + code).outcome == "changed"
    about = "stat -c '%U %G %a' /etc/wz /etc/wz/f; cat /etc/wz/f"
    assert machine.sh(about).split("\n")[:4] == ["root root 750", "sync games 640", "one", "two"]
    again = Act(machine, code)
    assert (again.kinds(), again.outcome) == ([], "unchanged")
    machine.sh("chmod 666 /etc/wz/f")
    drift = Act(machine, code)
    assert drift.planned[0].note == "mode 666 → 640"
    assert machine.sh("stat -c %a /etc/wz/f").strip() == "640"
    changed = Act(machine, code.replace("two", "2"))
    assert {"-two", "+2"} <= set(changed.planned[0].diff)


def test_a_file_that_its_check_refuses_leaves_the_old_one(machine: House) -> None:
    machine.sh("mkdir -p /etc/wzc; echo old > /etc/wzc/f")
    refused = Act(machine, "file(name='f', path='/etc/wzc/f', content='bad', check='grep -q good \"$1\"')")
    assert refused.outcome == "failed"
    assert "refused by its check" in refused.message
    assert machine.sh("cat /etc/wzc/f; ls -A /etc/wzc") == "old\nf\n"


def command_lines() -> bytes:
    """Return the arguments and environments of all processes, those within machines too."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        for name in ("cmdline", "environ"):
            try:
                found.append((folder / name).read_bytes())
            except OSError:
                continue
    return b"\n".join(found)


def test_a_secret_is_private_from_birth_and_in_no_process_list_nor_event(machine: House) -> None:
    import threading

    canary, seen, done = "canary-7b1f2c", [], threading.Event()

    def sample() -> None:
        while not done.wait(0.02):
            seen.append(command_lines())

    watcher = threading.Thread(target=sample)
    watcher.start()
    # The check runs while the new file stands there, not yet renamed.
    code = (
        "file(name='s', path='/etc/wzs/s', content=secret('x'), mode='600',"
        ' check=\'stat -c %a "$1" > /run/wzs-mode; tr a-z A-Z < "$1" > /dev/null; sleep 1\')'
    )
    act = Act(machine, "directory(name='d', path='/etc/wzs')\n" + code, secrets={"x": canary})
    failing = Act(
        machine,
        code.replace("sleep 1", 'cat \\"$1\\" > /dev/null; exit 1').replace("/s'", "/t'"),
        secrets={"x": canary},
    )
    done.set()
    watcher.join()
    assert (act.outcome, failing.outcome) == ("changed", "failed")
    assert machine.sh("cat /etc/wzs/s; cat /run/wzs-mode") == f"{canary}600\n"
    assert len(seen) > 10
    assert not any(canary.encode() in lines for lines in seen)
    assert canary not in "".join(act.lines + failing.lines)


def test_an_interrupted_write_leaves_the_old_file_and_the_next_run_tidies(machine: House) -> None:
    machine.sh("mkdir -p /etc/wzi; echo old > /etc/wzi/f; echo x > /etc/wzi/.wizara-dead-12345678")
    code = "file(name='Interrupted', path='/etc/wzi/f', content='n' * 1000, check='sleep 4')"
    Act(machine, code, kill_at="Interrupted")
    assert machine.sh("cat /etc/wzi/f") == "old\n"
    time.sleep(4)
    assert Act(machine, code.replace("sleep 4", "true")).outcome in {"changed", "unchanged"}
    assert machine.sh("ls -A /etc/wzi; wc -c < /etc/wzi/f").split() == ["f", "1000"]


LOCK = """perl -MFcntl -e 'open F, "+>", "/var/lib/dpkg/lock-frontend"; $want = pack("s s x4 q q i x4", F_WRLCK, 0, 0, 0, 0); fcntl(F, F_SETLK, $want) or die; open M, ">/run/apt-is-held"; close M; sleep 7; open M, ">/run/apt-was-freed"'"""


def test_packages_wait_for_apt_heal_dpkg_and_start_nothing(machine: House) -> None:
    machine.sh(f"systemd-run --quiet {LOCK}; until [ -e /run/apt-is-held ]; do sleep 0.05; done")
    act = Act(machine, "packages(name='p', names=('cron',))")
    assert act.outcome == "changed", act.message
    machine.sh("test /var/lib/dpkg/info/cron.list -nt /run/apt-was-freed")
    assert machine.lab.exec(NODE, ["systemctl", "is-active", "cron"]).stdout.strip() == "inactive"
    machine.sh("test ! -e /usr/sbin/policy-rc.d")

    machine.sh("sed -i '/^Package: cron$/,/^$/s/^Status: .*/Status: install ok half-configured/' /var/lib/dpkg/status")
    machine.sh("printf '#!/bin/sh\\n# placed by wizara while packages install\\nexit 101\\n' > /usr/sbin/policy-rc.d")
    act = Act(machine, "packages(name='p', names=('cron',))")
    assert ("repair", "dpkg") in act.kinds()
    assert ("repair", "/usr/sbin/policy-rc.d") in act.kinds()
    assert act.outcome == "changed", act.message
    assert machine.sh("dpkg --audit; dpkg-query -W -f '${db:Status-Abbrev}' cron").strip() == "ii"
    machine.sh("test ! -e /usr/sbin/policy-rc.d")
    assert Act(machine, "packages(name='p', names=('cron',))").kinds() == []

    # Killed between two writes of its state, dpkg calls nothing broken, and apt refuses all the same.
    machine.sh(
        "dpkg-query -s cron > /var/lib/dpkg/updates/0000; ! apt-get check 2> /tmp/why; grep -q 'dpkg was interrupted' /tmp/why"
    )
    act = Act(machine, "packages(name='p', names=('cron', 'at'))")
    assert ("repair", "dpkg") in act.kinds()
    assert act.outcome == "changed", act.message
    machine.sh("apt-get check")
    assert Act(machine, "packages(name='p', names=('cron', 'at'))").kinds() == []


UNIT = """
file(name='Unit', path='/etc/systemd/system/wzd.service', content='[Service]\\nExecStart=/bin/sleep infinity\\n[Install]\\nWantedBy=multi-user.target\\n')
file(name='Settings', path='/etc/wzd.conf', content='%s\\n')
file(name='Between', path='/etc/wzd.between', content='%s\\n', check='sleep 3')
unit(name='Runs', unit_name='wzd.service', files=('/etc/wzd.conf',))
"""


def invocation(house: House, unit: str = "wzd.service") -> str:
    return house.sh(f"systemctl show -P InvocationID {unit}").strip()


def test_a_death_between_written_and_restarted_is_healed_by_the_next_run(machine: House) -> None:
    assert Act(machine, UNIT % ("1", "1")).outcome == "changed"
    first = invocation(machine)
    assert Act(machine, UNIT % ("1", "1")).kinds() == []
    assert invocation(machine) == first

    killed = Act(machine, UNIT % ("2", "2"), kill_at="Between")
    assert killed.ended is None
    time.sleep(3)
    assert machine.sh("cat /etc/wzd.conf") == "2\n"
    assert invocation(machine) == first, "nothing restarted it"
    healed = Act(machine, UNIT % ("2", "2"))
    assert ("restart", "wzd.service") in healed.kinds()
    assert invocation(machine) != first


def test_a_hand_edit_is_drift_and_is_healed_with_a_restart_even_when_the_hand_restarted(machine: House) -> None:
    Act(machine, UNIT % ("3", "3"))
    for hand in ("echo 9 > /etc/wzd.conf", "echo 9 > /etc/wzd.conf; systemctl restart wzd"):
        machine.sh(hand)
        before = invocation(machine)
        act = Act(machine, UNIT % ("3", "3"))
        assert act.kinds() == [("modify", "/etc/wzd.conf"), ("restart", "wzd.service")]
        assert machine.sh("cat /etc/wzd.conf") == "3\n"
        assert invocation(machine) != before, hand
        assert Act(machine, UNIT % ("3", "3")).kinds() == []


def test_a_login_gets_its_groups_and_nothing_twice(machine: House) -> None:
    code = "login(name='l', name_='agent', comment='Agent', groups=('wz-one', 'wz-two'))"
    assert Act(machine, code).outcome == "changed"
    assert set(machine.sh("id -nG agent").split()) == {"agent", "wz-one", "wz-two"}
    assert machine.sh("passwd -S agent").split()[1] == "L"
    assert Act(machine, code).kinds() == []


def crew(*names: str) -> str:
    """Return the deploy of a group with these members, each with a key."""
    code = f"members(name='m', group='wz-crew', names={names!r})\n"
    for name in names:
        code += f"login(name='l {name}', name_='{name}', comment='{name}', groups=('wz-crew',))\n"
        code += f"directory(name='d {name}', path='/home/{name}/.ssh', owner='{name}', group='{name}', mode='700')\n"
        code += f"file(name='k {name}', path='/home/{name}/.ssh/authorized_keys', content='key\\n', owner='{name}', group='{name}')\n"
    return code


def test_who_leaves_a_group_loses_the_keys_and_may_come_back(machine: House) -> None:
    assert Act(machine, crew("ana", "ben")).outcome == "changed"
    left = Act(machine, crew("ana"))
    assert (left.kinds(), left.outcome) == ([("remove", "ben")], "changed")
    assert (
        machine.sh("getent group wz-crew | cut -d: -f4; ls /home/[ab]*/.ssh/authorized_keys")
        == "ana\n/home/ana/.ssh/authorized_keys\n"
    )
    assert machine.sh("id -un ben") == "ben\n"
    assert Act(machine, crew("ana")).kinds() == []
    assert Act(machine, crew("ana", "ben")).outcome == "changed"
    assert machine.sh("cat /home/ben/.ssh/authorized_keys") == "key\n"


def state_of_units(house: House) -> dict[str, Any]:
    said = house.sh("systemctl show --all -p Id,InvocationID,NRestarts '*.service'").split("\n\n")
    skip = (
        "user@",
        "user-runtime-dir@",
        "systemd-hostnamed",
        "run-",
        "apt-",
        "dpkg-",
        "systemd-tmpfiles",
        "e2scrub",
        "logrotate",
    )
    return {
        block.split("Id=")[1].split("\n")[0]: block
        for block in said
        if "Id=" in block and not any(f"Id={word}" in block for word in skip)
    }


def test_the_whole_site_twice_then_a_reboot_change_and_restart_nothing(machine: House) -> None:
    assert machine.wizara("apply", "--yes").returncode == 0
    before = state_of_units(machine)
    second = machine.result("apply", "--yes")
    assert (second["exit_code"], second["nodes"][0]["changes"]) == (0, [])
    assert state_of_units(machine) == before
    machine.lab.reboot(NODE)
    machine.lab.wait_unit(NODE, "multi-user.target")
    plan = machine.result("plan")
    assert plan["nodes"][0]["changes"] == [], plan
    before = state_of_units(machine)
    assert machine.result("apply", "--yes")["nodes"][0]["changes"] == []
    assert state_of_units(machine) == before


@pytest.mark.parametrize(
    ("hand", "unit", "gone"),
    [
        ("nft insert rule inet wizara input tcp dport 9999 accept", "nftables.service", "! nft list ruleset | grep 9999"),
        ("nft flush chain inet wizara spoof", "nftables.service", "true"),
        ("sysctl -w net.ipv4.conf.all.accept_redirects=1", "systemd-sysctl.service", "[ $(sysctl -n net.ipv4.conf.all.accept_redirects) = 0 ]"),
    ],
)  # fmt: skip
def test_what_a_hand_adds_to_the_kernel_is_drift_and_is_undone(machine: House, hand: str, unit: str, gone: str) -> None:
    machine.wizara("apply", "--yes")
    machine.sh(hand)
    result = machine.result("apply", "--yes")
    assert [one["subject"] for one in result["nodes"][0]["changes"]] == [unit], result
    assert result["exit_code"] == 0
    machine.sh(gone)
    assert machine.result("plan")["nodes"][0]["changes"] == []
