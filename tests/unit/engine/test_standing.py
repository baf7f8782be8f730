"""A used server is not a blank one: what a first run would cut is named."""

from __future__ import annotations

from wizara import tree
from wizara.blueprint import derive
from wizara.engine.standing import StandingFact, undeclared
from wizara.inventory import load
from wizara.record.progress import PlannedChange

SEEN = """\
listen tcp LISTEN 0 244 127.0.0.1:5432 0.0.0.0:* users:(("postgres",pid=9,fd=5))
listen tcp LISTEN 0 244 0.0.0.0:5433 0.0.0.0:* users:(("postgres",pid=9,fd=6))
listen tcp LISTEN 0 511 [::]:8000 [::]:* users:(("nginx",pid=11,fd=6))
listen tcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:(("sshd",pid=3,fd=3))
listen udp UNCONN 0 0 0.0.0.0:68 0.0.0.0:* users:(("dhclient",pid=3,fd=3))
peer 0 0 10.20.10.20:5433 10.20.20.11:51234 users:(("postgres",pid=12,fd=7))
peer 0 0 10.20.99.20:22 10.20.99.250:40000 users:(("sshd",pid=12,fd=7))
service exim4
service ufw
rules table ip filter {
rules table inet wizara {
"""


def test_listening_sockets_peers_and_rivals_that_nothing_declares_are_named() -> None:
    plan = derive(load(tree.shipped_inventories() / "mps")).nodes["mail1"]
    look = StandingFact().process(SEEN.splitlines())
    assert look.first_time
    changes = [
        PlannedChange(operation="file", kind="modify", subject="/etc/nftables.conf"),
        PlannedChange(operation="file", kind="create", subject="/etc/new"),
    ]
    found = {(item.kind, item.subject): item.detail for item in undeclared(plan, look, changes)}
    assert set(found) == {
        ("socket", "tcp/5433"), ("socket", "tcp/8000"), ("peer", "tcp/5433"), ("conflict", "exim4"), ("conflict", "ufw"),
        ("conflict", "firewall"), ("file", "/etc/nftables.conf"),
    }  # fmt: skip
    assert "10.20.20.11" in found["peer", "tcp/5433"]
    assert "ip filter" in found["conflict", "firewall"]


def test_a_machine_that_was_applied_to_is_no_stranger() -> None:
    assert not StandingFact().process(["applied"]).first_time
