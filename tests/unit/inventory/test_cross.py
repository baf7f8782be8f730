"""What cannot fit together is refused, with both places named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

Edit = Callable[..., Path]
Told = Callable[[], list[str]]
HQ, ONS, CNEAP, MINISTRY = "sites/hq.yaml", "sites/ons.yaml", "sites/cneap.yaml", "ministry.yaml"

#: what is wrong: (file, old, new, what is told)
CASES: dict[str, tuple[str, str, str, str]] = {
    "a LAN within another site's": (
        ONS, "network: 10.21.1.0/24", "network: 10.20.0.0/16",
        "sites/hq.yaml:11:21: lans[office].network: network 10.20.20.0/24 overlaps 10.20.0.0/16, declared at sites/ons.yaml:9:18: lans[ons].network"),
    "a LAN that is the intranet": (
        ONS, "network: 10.21.1.0/24", "network: 10.20.255.0/24",
        "sites/ons.yaml:9:18: lans[ons].network: network 10.20.255.0/24 overlaps 10.20.255.0/24, declared at ministry.yaml:31:12: intranet.network"),
    "an uplink within a LAN": (
        ONS, "address: 198.51.100.2/30, gateway: 198.51.100.1,", "address: 10.22.1.2/30, gateway: 10.22.1.1,",
        "sites/ons.yaml:12:32: uplinks[vsat].address: network 10.22.1.0/30 overlaps 10.22.1.0/24, declared at sites/cneap.yaml:9:20: lans[cneap].network"),
    "a translated uplink within a LAN": (
        ONS, "address: 198.51.100.2/30, gateway: 198.51.100.1, nat: none",
        "address: 10.22.1.2/30, gateway: 10.22.1.1, nat: cgnat",
        "sites/ons.yaml:12:32: uplinks[vsat].address: network 10.22.1.0/30 overlaps 10.22.1.0/24, declared at sites/cneap.yaml:9:20: lans[cneap].network"),
    "two LANs with one VLAN": (
        HQ, "vlan: 10}", "vlan: 99}", "VLAN 99 stands also at sites/hq.yaml:9:64: lans[adm].vlan"),
    "a next hop elsewhere": (
        HQ, "gateway: 192.0.2.1", "gateway: 192.0.2.9", "192.0.2.9 is not in the uplink's network 192.0.2.0/30"),
    "a next hop that is oneself": (HQ, "gateway: 192.0.2.1", "gateway: 192.0.2.2", "is the gateway's own address"),
    "an engineer called like an account of the system": (
        MINISTRY, "engineers: [", "engineers: [www-data, ",
        "engineers[0]: engineer 'www-data' is called like an account of the system — give this person another key in people"),
    "nobody may manage": (MINISTRY, "management: [10.20.99.0/24, 203.0.113.2/32]", "management: []", "no network may reach SSH"),
    "a node outside its LAN": (
        HQ, "adm: {address: 10.20.99.10}", "adm: {address: 10.20.98.10}",
        "nodes[dc1].ports[adm].address: 10.20.98.10 is outside its LAN 10.20.99.0/24"),
    "a host outside its LAN": (
        HQ, "address: 10.20.20.11,", "address: 10.20.21.11,", "hosts[pc-hq-1].address: 10.20.21.11 is outside its LAN"),
    "a device outside its LAN": (HQ, "address: 10.20.20.2\n", "address: 10.20.21.2\n", "devices[sw-hq].address: 10.20.21.2 is outside"),
    "a host that is the whole LAN": (HQ, "address: 10.20.20.11,", "address: 10.20.20.255,", "names the whole LAN 10.20.20.0/24"),
    "a host on no LAN": (
        ONS, "pc-ons: {lan: ons", "pc-ons: {lan: onss", "no LAN of this site 'onss' is declared — did you mean 'ons'?"),
    "a port of no LAN": (
        HQ, "      servers: {address: 10.20.10.10}", "      server: {address: 10.20.10.10}",
        "no LAN or uplink of this site 'server' is declared — did you mean 'servers'?"),
    "a port without address": (HQ, "servers: {address: 10.20.10.10}", "servers: {}", "a port on a LAN needs its address"),
    "an uplink's port with address": (HQ, "fibre: {}", "fibre: {address: 192.0.2.2}", "stands with the uplink, not with the port"),
    "an address twice": (
        HQ, "pc-hq-2: {lan: office, address: 10.20.20.12", "pc-hq-2: {lan: office, address: 10.20.20.11",
        "hosts[pc-hq-2].address: address 10.20.20.11 stands also at sites/hq.yaml:50:35: hosts[pc-hq-1].address"),
    "a MAC twice": (
        HQ, '"52:54:00:20:00:12"', '"52:54:00:20:00:11"',
        "MAC address 52:54:00:20:00:11 stands also at sites/hq.yaml:50:53: hosts[pc-hq-1].mac"),
    "managed at a foreign address": (
        HQ, "manage: 10.20.99.10", "manage: 10.20.99.11", "10.20.99.11 is no address of this node (10.20.99.10, 10.20.10.10)"),
    "an IPv6 address on a LAN without": (
        ONS, "pc-ons: {lan: ons,", 'pc-ons: {lan: ons, address6: "fd00::5",', "hosts[pc-ons].address6: its LAN has no network6"),
    "an IPv6 LAN that is no /64": (
        ONS, "network: 10.21.1.0/24", 'network: 10.21.1.0/24, network6: "fd00::/48"', "lans[ons].network6: 'fd00::/48' should be a /64"),
    "an IPv6 LAN that no router forwards": (
        ONS, "network: 10.21.1.0/24", 'network: 10.21.1.0/24, network6: "fe80::/64"', "lans[ons].network6: 'fe80::/64' should be a /64"),
    "an IPv6 LAN nobody may have": (
        ONS, "network: 10.21.1.0/24", 'network: 10.21.1.0/24, network6: "::/64"', "lans[ons].network6: '::/64' should be a /64"),
    "an IPv6 LAN with host bits": (
        ONS, "network: 10.21.1.0/24", 'network: 10.21.1.0/24, network6: "fd00::1/64"', "should be an IPv6 network such as"),
    "an IPv6 address of an interface": (
        ONS, "pc-ons: {lan: ons,", 'pc-ons: {lan: ons, address6: "fd00::5%eth0",', "should be an IPv6 address without % and an interface"),
    "an IPv4 address for an IPv6 one": (
        ONS, "pc-ons: {lan: ons,", "pc-ons: {lan: ons, address6: 10.21.1.12,", "should be an IPv6 address such as"),
    "an uplink of two nodes": (
        HQ, "      servers: {address: 10.20.10.10}", "      servers: {address: 10.20.10.10}\n      fibre: {}",
        "uplink 'fibre' stands also at sites/hq.yaml:25:7: nodes[gw-hq].ports[fibre]"),
    "a name of two machines": (
        ONS, "pc-ons: {lan", "dc1: {lan", "hosts[dc1]: name 'dc1' stands also at sites/hq.yaml:26:3: nodes[dc1]"),
    "a machine called like a site": (ONS, "pc-ons: {lan", "cneap: {lan", "name 'cneap' stands also at sites/cneap.yaml:1:1"),
    "a LAN and an uplink of one name": (
        ONS, "vsat: {class", "ons: {class", "name 'ons' stands also at sites/ons.yaml:9:3: lans[ons]"),
    "a mailbox of two people": (
        MINISTRY, "mail: karim.benali", "mail: awa.ouedraogo",
        "mailbox 'awa.ouedraogo' stands also at ministry.yaml:38:11: people[awa].mail"),
    "a mailbox that is a function": (MINISTRY, "mail: karim.benali", "mail: dsi", "mailbox 'dsi' stands also at"),
    "a mailbox that is the probe": (MINISTRY, "mail: karim.benali", "mail: probe", "mailbox 'probe' stands also at"),
    "mailboxes whose secrets share a name": (
        MINISTRY, "mail: karim.benali", "mail: awa-ouedraogo", "mailbox 'awa-ouedraogo' stands also at"),
    "no engineer": (MINISTRY, "engineers: [awa, karim]", "engineers: []", "no engineer"),
    "an unknown engineer": (
        MINISTRY, "engineers: [awa, karim]", "engineers: [awa, karimm]",
        "engineers[1]: no person 'karimm' is declared — did you mean 'karim'?"),
    "an engineer without a key": (
        MINISTRY, "engineers: [awa, karim]", "engineers: [samira]",
        "engineer 'samira' has no SSH key and could not log in — add one to people.samira.ssh_keys"),
    "an unknown holder": (
        MINISTRY, "holder: karim", "holder: karin", "functions[secretariat-general].holder: no person 'karin'"),
    "an unknown deputy": (MINISTRY, "deputies: [awa]", "deputies: [ewa]", "deputies[0]: no person 'ewa' is declared"),
    "a person at no site": (MINISTRY, "site: ons", "site: onss", "people[samira].site: no site 'onss' is declared — did you mean 'ons'?"),
    "a flow from nowhere": (MINISTRY, "from: cneap", "from: cnap", "flows[0].from: no site, node or host 'cnap' is declared"),
    "a flow to nowhere": (MINISTRY, "to: pc-ons", "to: pc-on", "flows[0].to: no site, node or host 'pc-on' is declared"),
    "a flow to itself": (MINISTRY, "to: pc-ons", "to: cneap", "flows[0].to: the flow ends where it begins"),
    "a flow of nothing": (MINISTRY, "services: [tcp/8080]", "services: []", "flows[0].services: the flow permits no service"),
    "no headquarters": (HQ, "kind: headquarters", "kind: institution", "no site is the headquarters"),
    "two headquarters": (
        ONS, "kind: institution", "kind: headquarters", "a second headquarters; the first is at sites/hq.yaml:6:7: kind"),
    "an unknown hub": (MINISTRY, "hub: gw-hq", "hub: gw-h", "intranet.hub: no node 'gw-h' is declared — did you mean 'gw-hq'?"),
    "a hub without the part": (
        MINISTRY, "hub: gw-hq", "hub: dc1", "the hub 'dc1' has not the part 'intranet', see sites/hq.yaml:26:3: nodes[dc1]"),
    "a hub without an uplink": (HQ, "      fibre: {}\n", "", "the hub 'gw-hq' has no port on an uplink"),
    "an institution without a link": (
        ONS, "link: {uplink: vsat, address: 10.20.255.21}", "",
        "this institution has no link, though an intranet is declared at ministry.yaml:29:1: intranet"),
    "a link without an intranet": (
        MINISTRY, "intranet:\n  hub: gw-hq\n  network: 10.20.255.0/24\n  port: 51820\n", "", "a link needs 'intranet'"),
    "a link's end outside": (
        ONS, "address: 10.20.255.21", "address: 10.20.254.21",
        "10.20.254.21 is outside the intranet's network 10.20.255.0/24, declared at ministry.yaml:31:12: intranet.network"),
    "a link's end that is the hub's": (ONS, "address: 10.20.255.21", "address: 10.20.255.1", "is the hub's"),
    "a link's end that is the network": (ONS, "address: 10.20.255.21", "address: 10.20.255.0", "no end of a tunnel"),
    "a link's end twice": (
        ONS, "address: 10.20.255.21", "address: 10.20.255.22",
        "link.address: address 10.20.255.22 stands also at sites/cneap.yaml:26:33: link.address"),
    "an intranet of one address": (MINISTRY, "network: 10.20.255.0/24", "network: 10.20.255.21/32", "no end of a tunnel"),
    "a link over no uplink": (ONS, "link: {uplink: vsat", "link: {uplink: vsta", "no uplink of this site 'vsta' is declared — did you mean 'vsat'?"),
    "a link without a gateway": (ONS, "parts: [node, intranet]", "parts: [node]", "no node here has the part 'intranet' and a port on uplink 'vsat'"),
    "a node without the part": (HQ, "parts: [node, mail]", "parts: [mail]", "every node needs the part 'node'"),
    "a part twice": (HQ, "parts: [node, mail]", "parts: [node, mail, mail]", "a part stands here twice"),
    "nobody knows names": (HQ, "parts: [node, names]", "parts: [node]", "no node has the part 'names'"),
    "two mail servers": (
        HQ, "parts: [node, names]", "parts: [node, names, mail]",
        "sites/hq.yaml:35:12: nodes[mail1].parts: a mail server for mps.gov.test stands also at sites/hq.yaml:28:12: nodes[dc1].parts"),
    "mail domains without mail": (
        HQ, "parts: [node, names]", "parts: [node, names]\n    mail_domains: [x.gov.test]",
        "mail domains, but the node has not the part 'mail'"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_does_not_fit_is_told_with_its_places(name: str, edit: Edit, told: Told) -> None:
    file, old, new, said = CASES[name]
    edit(file, old, new)
    assert any(said in line for line in told()), told()


SIX = "network: 10.21.1.0/24, network6: "


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        (
            ONS,
            "pc-ons: {lan: ons,",
            'pc-ons: {lan: ons, address6: "fd00:0:0:2::5",',
            "fd00:0:0:2::5 is outside its LAN fd00:0:0:1::/64",
        ),
        (
            ONS,
            "pc-ons: {lan: ons,",
            'pc-ons: {lan: ons, address6: "fd00:0:0:1::",',
            "names the whole LAN fd00:0:0:1::/64",
        ),
        (
            ONS,
            "pc-ons: {lan: ons,",
            'pc-ons: {lan: ons, address6: "fd00:0:0:1::1",',
            "address fd00:0:0:1::1 stands also at sites/ons.yaml",
        ),
        (
            CNEAP,
            "network: 10.22.1.0/24",
            'network: 10.22.1.0/24, network6: "fd00:0:0:1::/64"',
            "network fd00:0:0:1::/64 overlaps",
        ),
        (
            ONS,
            "vsat: {}",
            'vsat: {address6: "fd00:0:0:1::9"}',
            "ports[vsat].address6: the address of an uplink stands with the uplink",
        ),
    ],
)
def test_ipv6_is_held_to_the_same_rules(edit: Edit, told: Told, file: str, old: str, new: str, words: str) -> None:
    edit(ONS, "network: 10.21.1.0/24", f'{SIX}"fd00:0:0:1::/64"')
    edit(ONS, "ons: {address: 10.21.1.1}", 'ons: {address: 10.21.1.1, address6: "fd00:0:0:1::1"}')
    assert told() == []
    edit(file, old, new)
    assert len(told()) == 1
    assert words in told()[0]


def test_the_shipped_ministry_fits(told: Told) -> None:
    assert told() == []


def test_letters_of_a_mac_count_once(edit: Edit, told: Told) -> None:
    edit(HQ, '"52:54:00:20:00:42"', '"52:54:00:AB:00:0B"')
    edit(HQ, '"52:54:00:20:00:41"', '"52:54:00:ab:00:0b"')
    assert any("MAC address 52:54:00:ab:00:0b stands also at" in line for line in told())


def test_several_vlans_on_one_card_share_its_mac(edit: Edit, told: Told) -> None:
    edit(HQ, "adm: {address: 10.20.99.1}", 'adm: {address: 10.20.99.1, mac: "52:54:00:00:00:01"}')
    edit(HQ, "servers: {address: 10.20.10.1}", 'servers: {address: 10.20.10.1, mac: "52:54:00:00:00:01"}')
    assert told() == []


def test_two_institutions_behind_their_operators_may_have_the_same_addresses(edit: Edit, told: Told) -> None:
    for file, old in ((ONS, "198.51.100.2"), (CNEAP, "198.51.100.6")):
        gateway = "198.51.100.1" if file == ONS else "198.51.100.5"
        edit(
            file,
            f"address: {old}/30, gateway: {gateway}, nat: none",
            "address: 192.168.1.2/24, gateway: 192.168.1.1, nat: spoke",
        )
        edit(file, f"manage: {old}", "manage: 192.168.1.2")
    assert told() == []


def test_a_name_in_a_file_that_cannot_be_read_is_not_called_unknown(edit: Edit, told: Told) -> None:
    edit(ONS, "kind: institution", "kind: ministry")
    assert [line.split(": ")[0] for line in told()] == ["sites/ons.yaml:6:7"]
