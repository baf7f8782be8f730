"""A used server is not a blank one: what a first run would cut is named."""

from __future__ import annotations

from wizara import tree
from wizara.blueprint import derive
from wizara.engine.standing import StandingFact, replaced, undeclared
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
"""


def test_listening_sockets_peers_and_rivals_that_nothing_declares_are_named() -> None:
    plan = derive(load(tree.shipped_inventories() / "mps")).nodes["mail1"]
    look = StandingFact().process(SEEN.splitlines())
    assert look.first_time
    changes = [
        PlannedChange(operation="file", kind="modify", subject="/etc/nftables.conf"),
        PlannedChange(operation="file", kind="create", subject="/etc/new"),
    ]
    files = replaced(look, changes)
    assert files == ("/etc/nftables.conf",)
    found = {(item.kind, item.subject): item.detail for item in undeclared(plan, look, files, frozenset(files))}
    assert set(found) == {
        ("socket", "tcp/5433"), ("socket", "tcp/8000"), ("peer", "tcp/5433"), ("conflict", "exim4"), ("conflict", "ufw"),
        ("conflict", "firewall"), ("file", "/etc/nftables.conf"),
    }  # fmt: skip
    assert "10.20.20.11" in found["peer", "tcp/5433"]
    assert "ip filter" in found["conflict", "firewall"]


def test_a_peer_outside_the_permitted_networks_is_named_though_its_service_is_declared() -> None:
    plan = derive(load(tree.shipped_inventories() / "mps")).nodes["mail1"]
    lines = [
        'listen tcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:(("sshd",pid=3,fd=3))',
        'peer 0 0 10.20.99.20:22 10.20.99.250:40000 users:(("sshd",pid=12,fd=7))',
        'peer 0 0 10.20.99.20:22 198.51.100.77:40000 users:(("sshd",pid=13,fd=7))',
        'peer 0 0 10.20.99.20:45000 198.51.100.99:5432 users:(("psql",pid=14,fd=7))',
    ]
    found = undeclared(plan, StandingFact().process(lines))
    assert [(item.kind, item.subject) for item in found] == [("peer", "tcp/22")]
    assert found[0].detail.startswith("198.51.100.77 (sshd):")


def test_what_is_as_it_was_installed_is_told_and_not_asked() -> None:
    plan = derive(load(tree.shipped_inventories() / "mps")).nodes["mail1"]
    look = StandingFact().process(["kept /etc/ours", "forwarding"])
    changes = [
        PlannedChange(operation="file", kind="modify", subject=path)
        for path in ("/etc/ours", "/etc/resolv.conf", "/etc/plain", "/etc/hand")
    ]
    found = undeclared(plan, look, replaced(look, changes), frozenset({"/etc/resolv.conf", "/etc/hand"}))
    assert {item.subject: item.asks for item in found} == {
        "forwarding": True, "/etc/resolv.conf": False, "/etc/plain": False, "/etc/hand": True,
    }  # fmt: skip


def test_a_machine_that_our_filter_guards_is_no_stranger() -> None:
    assert not StandingFact().process(["rules table inet wizara {"]).first_time
    assert StandingFact().process(["rules table inet other {"]).first_time
    # Flushed by hand after an apply: what listens now is ours, and is not asked for anew.
    assert not StandingFact().process(["applied"]).first_time
