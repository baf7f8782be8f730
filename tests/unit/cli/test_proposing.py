"""A draft of a site from what was found is a file that ``wizara check`` accepts, and declares everything in it."""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path

import pytest

from wizara.audit.facts import LanFacts
from wizara.audit.proposal import Found, draft
from wizara.cli.main import main
from wizara.cli.proposing import refuse_existing
from wizara.errors import UsageFault
from wizara.inventory import load

LANS = {"lan": IPv4Network("10.30.1.0/24"), "lan-2": IPv4Network("10.30.2.0/24")}
FACTS = LanFacts(networks=tuple(LANS.values()), moment="2026-11-21T12:00:00+00:00")
FOUND = [
    Found("10.30.1.5", "02:00:5e:00:00:05", (22, 80), "debian", "SSH-2.0-OpenSSH_9.2p1 # } \u202e\n  evil: {x: y}"),
    Found("10.30.1.6", None, (), None, ""),
    Found("10.30.2.7", "02:00:5e:00:00:07", (22,), "cisco_ios", "SSH-2.0-Cisco-1.25"),
    Found("10.30.2.8", "not a card", (631,), "plan9", "a printer"),
]  # fmt: skip
#: A ministry whose first step is an audit: nothing is built yet.
MINISTRY = """\
name: new
title: {fr: Ministère}
country: DZ
domain: new.gov.test
management: [10.30.99.0/24]
engineers: [awa]
people:
  awa: {name: {fr: Awa}, site: found, mail: awa, ssh_keys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKYcw0NvDafAMP9PFyQpZv3pLDDMxreqK3Ps7VtQvrFS]}
"""
SITES = {
    "nothing": None,
    "hosts": "title: {fr: X}\nkind: headquarters\nlans:\n  lan: {network: 10.30.1.0/24}\n  lan-2: {network: 10.30.2.0/24}\n\nhosts:\n  # the first\n  one: {lan: lan, address: 10.30.1.4}\n",
    "hosts in the middle": "title: {fr: X}\nhosts:\n  one: {lan: lan, address: 10.30.1.4}\n\n  # a remark\nkind: headquarters\nlans:\n  lan: {network: 10.30.1.0/24}\n  lan-2: {network: 10.30.2.0/24}\n",
    "no hosts": "title: {fr: X}\nkind: headquarters\nlans:\n  lan: {network: 10.30.1.0/24}\n  lan-2: {network: 10.30.2.0/24}\n",
    "empty hosts": "title: {fr: X}\nkind: headquarters\nhosts: {}\nlans:\n  lan: {network: 10.30.1.0/24}\n  lan-2: {network: 10.30.2.0/24}\n",
}  # fmt: skip


@pytest.mark.parametrize("site", SITES)
def test_a_draft_passes_the_check_with_everything_found_in_it(site: str, tmp_path: Path) -> None:
    folder = tmp_path / "new"
    (folder / "sites").mkdir(parents=True)
    (folder / "ministry.yaml").write_text(MINISTRY)
    (folder / "sites" / "found.yaml").write_text(draft(SITES[site], FACTS, LANS, FOUND))
    with pytest.raises(SystemExit) as left:
        main(["check", str(folder)])
    assert left.value.code == 0
    declared = load(folder).sites["found"]
    addresses = {str(one.address) for one in (*declared.hosts.values(), *declared.devices.values())}
    assert addresses - {"10.30.1.4"} == {one.ip for one in FOUND}
    assert declared.devices["found-10-30-2-7"].platform == "cisco_ios"
    assert declared.hosts["found-10-30-1-5"].os == "debian"
    assert declared.hosts["found-10-30-2-8"].role == "printer"
    assert ("one" in declared.hosts) == ("one:" in (SITES[site] or ""))


def test_a_draft_replaces_nothing(tmp_path: Path) -> None:
    (tmp_path / "hq.yaml").write_text("x")
    for path in (tmp_path / "hq.yaml", tmp_path / "no" / "folder.yaml"):
        with pytest.raises(UsageFault):
            refuse_existing(path)
    refuse_existing(tmp_path / "new.yaml")
