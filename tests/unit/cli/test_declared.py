"""What a node must be seen to serve depends on the address, and on who asks."""

from __future__ import annotations

from wizara.cli.declared import declared_facts
from wizara.inventory import load
from wizara.tree import shipped_inventories


def test_each_address_of_a_node_is_expected_to_serve_what_is_meant_for_its_lan() -> None:
    facts = declared_facts(load(shipped_inventories() / "mps"), "hq", (), "2026-01-01T00:00:00+00:00")
    served = {(host.name, host.lan): set(host.services or ()) for host in facts.hosts if host.role == "node"}
    assert served[("dc1", "adm")] == {"tcp/22"}  # managed from there; names are served at the other address
    assert "tcp/53" in served[("dc1", "servers")]
    assert "tcp/22" not in served[("dc1", "servers")]
    assert served[("gw-hq", "office")] == set()
    assert {"tcp/587", "tcp/993"} <= served[("mail1", "servers")]
    tolerated = {(host.name, host.lan): set(host.tolerated) for host in facts.hosts}
    assert {"tcp/587", "tcp/993"} <= tolerated[("mail1", "adm")]  # its filter does not ask for which address
