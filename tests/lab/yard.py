"""A LAN of switches: replayed captures of real ones, Debian's snmpd and lldpd, agents of our own; with the cables planted."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import agents
import replay
from agents import Planted
from corpus.audits import MANDATE
from corpus.ground import NETWORK, Ground

from wizara.tree import shipped_inventories

HERE = Path(__file__).parent
CONFIGURATIONS = HERE.parent / "unit" / "audit" / "configurations"
COMMUNITY, AUTHENTICATION, PRIVACY = "hunter2-community", "hunter2-authentication", "hunter2-privacy"
AGENTS = "/agents.py"
SSH = {31: ("sw-ios", "cisco_ios"), 32: ("sw-vrp", "huawei_vrp"), 33: ("sw-comware", "hp_comware"),
       34: ("sw-aruba", "aruba_aoscx"), 35: ("sw-routeros", "mikrotik_routeros")}  # fmt: skip


@dataclass(frozen=True)
class Agent:
    """A switch that is read by SNMP."""

    name: str
    """As the inventory calls it."""
    platform: str
    planted: Planted | None
    """What its agent tells; None where a real lldpd and snmpd do."""
    security: str = "2c"
    """``2c`` (our own agent), or of Debian's snmpd ``2c-snmpd``, ``authPriv`` or ``authNoPriv``."""


def _card(text: str) -> str:
    return bytes.fromhex(re.sub(r"[.:-]", "", text)).hex(":")


_GI = tuple(f"GigabitEthernet0/{at}" for at in range(1, 5))
_TEN = ("Ten-GigabitEthernet1/0/0/5", "Ten-GigabitEthernet2/0/0/5", "Ten-GigabitEthernet1/0/0/6")
_FORTI, _AGG, _HP = "02:09:0f:00:06:00", "90:20:c2:bf:ae:00", _card("94f1.2879.5555")
PCS = {"pc-1": "02:00:5e:00:00:01", "pc-2": "02:00:5e:00:00:02"}
AGENT = {
    36: Agent("fw", "fortinet", Planted(
        "FGT-HQ", _FORTI, ("port1", "port2", "port3", "lag1"),
        [("port1", _AGG, "rtr-agg-0620-a", "1/1/2", ""), ("port2", _HP, "HpSwitch", "23", ""), ("port3", _HP, "HpSwitch", "24", "")],
        bundles={"port2": "lag1", "port3": "lag1"}, arp={f"{NETWORK}.101": PCS["pc-1"]},
    )),
    37: Agent("sw-hp", "other", Planted(
        "HpSwitch", _HP, ("13", "23", "24", "Trk1"),
        [("13", "02:00:00:00:01:00", "sw-ios", "Gi1/0/1", ""), ("23", _FORTI, "FGT-HQ", "port2", ""),
         ("24", _FORTI, "FGT-HQ", "port3", "")],
        bundles={"23": "Trk1", "24": "Trk1"},
    ), "authPriv"),
    38: Agent("tsa-1", "cisco_ios", Planted(
        "tsa-2960-sw01", _card("f55f-c2c5-e180"), ("Gi1/0/1", "Gi1/0/2"), [("Gi1/0/1", "02:00:00:00:02:00", "sw-vrp", "GE0/0/1", "")],
        manner="lldp-v2",
    )),
    39: Agent("tsa-2", "cisco_ios", Planted(
        "tsa-2960-sw01", _card("f41f-c2c5-e180"), ("Gi1/0/1", "Gi1/0/2"), [("Gi1/0/2", "02:00:00:00:02:00", "sw-vrp", "GigabitEthernet0/0/8", "")],
        manner="alias",
    )),
    40: Agent("idc", "hp_comware", Planted(
        "IDC-Intranet-HS125X", _card("70f9-6d17-ad59"), (*_TEN, "Bridge-Aggregation1"),
        [(_TEN[0], "02:00:00:00:03:00", "sw-comware", "XGE1/0/0/2", ""), (_TEN[1], "02:00:00:00:03:00", "sw-comware", "XGE1/0/0/3", "")],
        bundles={_TEN[0]: "Bridge-Aggregation1", _TEN[1]: "Bridge-Aggregation1"},
    ), "authNoPriv"),
    41: Agent("agg", "aruba_aoscx", Planted(
        "rtr-agg-0620-a", _AGG, ("1/1/1", "1/1/2"),
        [("1/1/1", "02:00:00:00:04:00", "sw-aruba", "1/1/52", ""), ("1/1/2", _FORTI, "FGT-HQ", "port1", "")],
        addresses={"1/1/2": f"{NETWORK}.36"},
    ), "2c-snmpd"),
    42: Agent("desktop", "cisco_ios", Planted(
        "desktop-switch", "02:00:00:00:12:00", _GI, cdp=[(_GI[0], "sw-ios", "GigabitEthernet1/0/16")],
        macs=[(PCS["pc-1"], _GI[1], 20), (PCS["pc-2"], _GI[2], 20),
              *((f"02:00:5e:00:01:{at:02x}", _GI[3], 20) for at in range(3)), *((f"02:00:5e:00:02:{at:02x}", _GI[0], 20) for at in range(9))],
    )),
    43: Agent("real-1", "other", None, "authPriv"),
    44: Agent("real-2", "other", None, "2c-snmpd"),
}  # fmt: skip
#: (device, port, far device, far port, whether both ends tell of it, bundles), as a person would plug them.
PLANTED = {
    ("sw-ios", "Gi1/0/1", "sw-hp", "13", True, ""), ("sw-ios", "GigabitEthernet1/0/16", "desktop", "GigabitEthernet0/1", True, ""),
    ("sw-vrp", "GigabitEthernet0/0/1", "tsa-1", "Gi1/0/1", True, ""), ("sw-vrp", "GigabitEthernet0/0/8", "tsa-2", "Gi1/0/2", True, ""),
    ("sw-comware", "Ten-GigabitEthernet1/0/0/2", "idc", _TEN[0], True, "Bridge-Aggregation1"),
    ("sw-comware", "Ten-GigabitEthernet1/0/0/3", "idc", _TEN[1], True, "Bridge-Aggregation1"),
    ("sw-aruba", "1/1/52", "agg", "1/1/1", True, ""), ("fw", "port1", "agg", "1/1/2", True, ""),
    ("fw", "port2", "sw-hp", "23", True, "Trk1 lag1"), ("fw", "port3", "sw-hp", "24", True, "Trk1 lag1"),
    ("real-1", "trunk0", "real-2", "trunk0", True, ""), ("real-1", "trunk1", "real-2", "trunk1", True, ""),
    # what only the captures tell of
    ("sw-ios", "Gi1/0/2", "7c25.86c9.aaaa", "ge-0/0/0.0", False, ""), ("sw-ios", "Gi1/0/9", "44:48:c1:c4:dd:dd", "eth0", False, ""),
    ("sw-ios", "GigabitEthernet1/0/22", "ce-router", "GigabitEthernet0/0", False, ""),
    ("sw-ios", "GigabitEthernet1/0/19", "server", "eth0", False, ""), ("sw-ios", "GigabitEthernet0/3", "vIOS-L2-1", "GigabitEthernet0/3", False, ""),
    ("sw-comware", "Ten-GigabitEthernet1/0/0/1", "IDC-Extranet-HR8808-1", "GigabitEthernet0/0/1", False, ""),
    ("sw-aruba", "2/1/52", "rtr-agg-0620-b", "1/1/1", False, ""), ("sw-aruba", "1/1/34", "SIP-T33G", "WAN", False, ""),
    ("sw-aruba", "1/1/1", "ap-9999-335-fe", "eth0", False, ""), ("sw-aruba", "2/1/1", "ap-9999-335-fe", "eth1", False, ""),
    ("sw-aruba", "1/1/2", "ap-9999-535-fe", "eth0", False, ""), ("sw-aruba", "2/1/2", "ap-9999-535-fe", "eth1", False, ""),
    ("sw-routeros", "ether1", "MikroTik-Dev", "ether2", False, ""),
}  # fmt: skip


class Yard:
    """Everything raised on *ground*; ``folder`` gets the inventory, the credentials and what agents and switches heard."""

    def __init__(self, ground: Ground, folder: Path, tree: Path) -> None:
        self.ground, self.folder, self._tree = ground, folder, tree
        self._keys: dict[str, str] = {}

    def raise_(self) -> None:
        for last, (name, platform) in SSH.items():
            self._replay(last, name, platform)
        for last, one in AGENT.items():
            if one.security == "2c":
                assert one.planted
                self._own(last, one.planted)
            else:
                self._snmpd(last, one)
        self._cable(43, 44, "trunk0")
        self._cable(43, 44, "trunk1")

    def snmpd(self, last: int) -> int:
        """Return the process of the snmpd at ``.last``; its root is the host's."""
        space = self.ground.namespace(last).stat().st_ino
        for path in Path("/proc").glob("[0-9]*"):
            try:
                if (path / "comm").read_text() == "snmpd\n" and (path / "ns" / "net").stat().st_ino == space:
                    return int(path.name)
            except OSError:
                continue
        raise LookupError(f"no snmpd at {last}")

    def wait_for_lldp(self, seconds: float = 30.0) -> None:
        """Wait until the real neighbours know each other by both cables."""
        ends = time.monotonic() + seconds
        for last in (43, 44):
            line = [
                "nsenter",
                "-t",
                str(self.snmpd(last)),
                "-m",
                "-n",
                "-r",
                "-w",
                "lldpcli",
                "-f",
                "keyvalue",
                "show",
                "neighbors",
            ]
            while True:
                told = subprocess.run(line, capture_output=True, text=True, check=False).stdout
                if told.count(".port.descr=") >= 2:
                    break
                if time.monotonic() > ends:
                    raise TimeoutError(f"{last} has no neighbours: {told}")
                time.sleep(0.3)

    def _run(self, last: int, *command: str) -> None:
        self.ground.plug(last)
        place = self.folder / str(last)
        place.mkdir(exist_ok=True)
        line = ["nsenter", f"--net={self.ground.namespace(last)}", "setpriv", "--pdeathsig", "KILL", *command]
        log = (place / "log").open("ab")
        self.ground.processes.append(
            subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=place)
        )

    def _replay(self, last: int, name: str, platform: str) -> None:
        place = self.folder / str(last)
        place.mkdir()
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", place / "key"], check=True)
        self._keys[name] = " ".join((place / "key.pub").read_text().split()[:2])
        configuration = place / "configuration"
        known = replay.MANNERS[platform].configuration
        configuration.write_text(
            (CONFIGURATIONS / f"{platform}.conf").read_text().replace("sw-good", name) if known else ""
        )
        self._run(
            last, sys.executable, str(HERE / "replay.py"), platform, "key", str(configuration), f"{NETWORK}.{last}"
        )

    def _own(self, last: int, planted: Planted) -> None:
        place = self.folder / str(last)
        place.mkdir()
        planted.write(place / "objects.json")
        self._run(
            last,
            sys.executable,
            str(HERE / "agents.py"),
            "stub",
            "objects.json",
            f"{NETWORK}.{last}",
            COMMUNITY,
            "heard.log",
        )

    def _snmpd(self, last: int, one: Agent) -> None:
        """Run Debian's snmpd: over *planted* objects, or over what a real lldpd tells it."""
        who = {
            "2c-snmpd": [f"rocommunity {COMMUNITY}"],
            "authPriv": [f"createUser audit SHA-256 {AUTHENTICATION} AES {PRIVACY}", "rouser audit priv"],
            "authNoPriv": [f"createUser audit SHA {AUTHENTICATION}", "rouser audit auth"],
        }[one.security]
        files = {"agents.py": Path(agents.__file__).read_bytes()}
        words = [*who, f"sysName {one.planted.name if one.planted else one.name}"]
        script = "mkdir -p /var/lib/snmp /run/agentx\n"
        if one.planted:
            objects = one.planted.write(self.folder / f"{last}.json")
            files["objects.json"] = objects.read_bytes()
            roots = (
                agents.LLDP,
                agents.MIB2 + ".31.1.1",
                agents.MIB2 + ".2.2",
                agents.MIB2 + ".17",
                agents.LAG,
                agents.CDP,
            )
            words += [
                f"pass_persist -p 10 .{root} /usr/bin/python3 {AGENTS} pass /objects.json /heard.log" for root in roots
            ]
        else:
            files["etc/lldpd.conf"] = f"configure system hostname {one.name}\nconfigure lldp tx-interval 1\n".encode()
            words += ["master agentx", "agentXSocket /run/agentx/master"]
            script += "mkdir -p /run/lldpd; (until [ -S /run/agentx/master ]; do sleep 0.1; done; exec lldpd -d -x -X /run/agentx/master) &\n"
        files["s.conf"] = ("\n".join(words) + "\n").encode()
        self.ground.host(last, self._tree, files, script + "exec snmpd -f -Lo -C -c /s.conf udp:161")

    def _cable(self, one: int, other: int, port: str) -> None:
        """Plug a cable of its own between two hosts."""
        ends = [self.ground.namespace(last) for last in (one, other)]
        line = ["ip", "link", "add", port, "type", "veth", "peer", "name", port, "netns", str(ends[1])]
        subprocess.run(["nsenter", f"--net={ends[0]}", *line], check=True)
        for end in ends:
            subprocess.run(["nsenter", f"--net={end}", "ip", "link", "set", port, "up"], check=True)

    def inventory(self) -> Path:
        """Write a ministry like the shipped one, whose office is this LAN."""
        folder = self.folder / "mps"
        shutil.copytree(shipped_inventories() / "mps", folder)
        (folder / "rehearsal.yaml").unlink()
        for path in folder.rglob("*.yaml"):
            path.write_text(path.read_text().replace("10.20.20.", f"{NETWORK}."))
        (folder / "mandate.yaml").write_text(MANDATE)
        site = folder / "sites" / "hq.yaml"
        devices = [
            f"  {name}: {{lan: office, address: {NETWORK}.{last}, platform: {platform}}}"
            for last, (name, platform) in SSH.items()
        ]
        devices += [
            f"  {one.name}: {{lan: office, address: {NETWORK}.{last}, platform: {one.platform}, snmp: {self._declared(one)}}}"
            for last, one in AGENT.items()
        ]
        hosts = [
            f'  {name}: {{lan: office, address: {NETWORK}.{at}, mac: "{mac}"}}'
            for at, (name, mac) in enumerate(PCS.items(), 101)
        ]
        text = re.sub(r"(?s)\n(?:devices|hosts):.*", "\n", site.read_text())
        site.write_text(text + "devices:\n" + "\n".join(devices) + "\nhosts:\n" + "\n".join(hosts) + "\n")
        return folder

    @staticmethod
    def _declared(one: Agent) -> str:
        how = {"authPriv": "version: 3", "authNoPriv": "version: 3, authentication: sha, privacy: none"}
        return "{" + how.get(one.security, "version: 2c") + "}"

    def credentials(self, wrong: tuple[str, ...] = ()) -> Path:
        """Write how all of it is read; the switches *wrong* get another's community and passphrases."""
        told = [
            f"{name}: {{password: {replay.LOGIN[1]}, enable: {replay.ENABLE}, host_key: {key}}}"
            for name, key in self._keys.items()
        ]
        for one in AGENT.values():
            end = "-not" if one.name in wrong else ""
            secrets = f"community: {COMMUNITY}{end}, authentication: {AUTHENTICATION}{end}, privacy: {PRIVACY}"
            told.append(f"{one.name}: {{snmp: {{{secrets}}}}}")
        path = self.folder / "credentials.yaml"
        path.write_text("\n".join(told) + "\n")
        return path

    def said(self, last: int) -> set[str]:
        """Return the words that snmpd said to the objects behind it: it says ``set`` when somebody writes."""
        return {*Path(f"/proc/{self.snmpd(last)}/root/heard.log").read_text().splitlines()}

    def heard(self, last: int) -> list[str]:
        """Return the PDUs that one of our own agents heard."""
        return [line.split()[0] for line in (self.folder / str(last) / "heard.log").read_text().splitlines()]
