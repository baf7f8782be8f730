"""What Debian's nmap, tuned as an expert would, says of the corpus; and which of its words count for which finding."""

from __future__ import annotations

import re
import subprocess
import time
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from xml.etree import ElementTree as ET

from corpus import root
from corpus.ground import AUDITOR, NETWORK
from corpus.population import Corpus

from wizara.tree import load

_UDP = (7, 53, 69, 123, 137, 161, 623, 11211)
#: Those of the category external would ask services of the internet about the ministry's addresses.
_SCRIPTS = "(default or safe or vuln) and not external"

#: Rule → what in nmap's output of the host counts: its words of services and scripts, generously read. Where nothing stands,
#: no script of the categories default, safe and vuln says it.
COUNTS: dict[str, str] = {
    "TEL-001": r"service telnet|telnet-", "FIN-001": r"service finger|finger:", "ECH-001": r"7/tcp open service echo",
    "ECH-002": r"7/udp open service echo", "CHG-001": r"service chargen", "RLO-001": r"513/tcp open service (login|rlogin)",
    "RSH-001": r"514/tcp open service (shell|rsh)", "FTP-001": r"ftp-anon: Anonymous FTP login allowed",
    "FTP-002": r"ftp-anon: (.|\n)*NSE: writeable", "TFT-001": r"69/udp open service tftp", "WEB-002": r"http-auth: (.|\n)*Basic",
    "WEB-003": r"http-default-accounts: .*admin", "POP-001": r"pop3-capabilities: .*\bUSER\b",
    "IMA-001": r"imap-capabilities: (?!.*LOGINDISABLED).*IMAP4", "VNC-001": r"vnc-info: (.|\n)*None",
    "X11-001": r"x11-access: X server access is granted|service X11 \S+ +open", "SNM-001": r"snmp-(sysdescr|interfaces|netstat|processes): |\(public\)",
    "SNM-002": r"snmp-brute: ", "SNM-003": r"snmp-noauth: ", "IPM-001": r"ipmi-cipher-zero: (.|\n)*VULNERABLE",
    "SMI-001": r"4786/tcp open service smart-install", "ROS-001": r"(?i)winbox|mikrotik", "ROS-002": r"(?i)routeros|mikrotik",
    "SMB-001": r"SMBv1|NT LM 0\.12|smb-security-mode: ", "SMB-002": r"smb2-security-mode: (.|\n)*(not required|disabled)",
    "SMB-003": r"smb-(enum-shares|ls): (.|\n)*(READ|partage)", "SMB-004": r"smb-enum-shares: ", "NBT-001": r"nbstat: ",
    "NFS-001": r"nfs-(showmount|ls): ", "RSY-001": r"rsync-list-modules: ", "LDP-001": r"ldap-(search|rootdse): ",
    "RPC-001": r"rpcinfo: ", "SSH-001": r"ssh2-enum-algos: (.|\n)*group1-sha1", "SSH-002": r"ssh2-enum-algos: (.|\n)*(3des|aes128)-cbc",
    "SSH-003": r"ssh2-enum-algos: (.|\n)*hmac-(md5|sha1)\b", "SSH-004": r"ssh2-enum-algos: (.|\n)*server_host_key_algorithms(.|\n)*ssh-rsa",
    "SSH-005": r"ssh-auth-methods: (.|\n)*password", "TLS-001": r"ssl-enum-ciphers: (.|\n)*(SSLv3|TLSv1\.0|TLSv1\.1)|sslv3-",
    "TLS-003": r"ssl-cert: (.|\n)*(Public Key bits: 1024|sha1With)", "TLS-004": r"ssl-enum-ciphers: (.|\n)*(NULL|EXPORT|_anon_|RC4|3DES)|sslv2",
    "TLS-007": r"ssl-known-key: ", "RED-001": r"redis-info: ", "MEM-001": r"memcached-info: ", "MEM-002": r"11211/udp open ",
    "MQT-001": r"mqtt-subscribe: ", "PGS-001": r"pgsql-", "MYS-001": r"mysql-empty-password: ", "MON-001": r"mongodb-(databases|info): ",
    "ELA-001": r"(?i)elasticsearch|cluster", "RSV-001": r"dns-recursion: ", "RSV-002": r"dns-zone-transfer: ",
    "RSV-003": r"bind\.version|53/(tcp|udp) open service domain \S+ \d", "NTP-001": r"ntp-info: (.|\n)*(version|system)",
    "NTP-002": r"ntp-monlist: ", "SMT-001": r"smtp-open-relay: .*open relay", "SMT-002": r"smtp-commands: (?!.*STARTTLS)",
    "SMT-003": r"smtp-commands: .*AUTH", "PRI-001": r"(?i)laserjet", "PLC-001": r"502/tcp open ", "WEB-004": r"http-git: ",
    "WEB-005": r"http-ls: |http-title: (Index of|Directory listing)", "BRO-001": r"broadcast-dhcp-discover: ", "BRO-002": r"ipv6.*router|router-advert",
    "BRO-003": r"llmnr-resolve: ", "BRO-004": r"wpad",
}  # fmt: skip


class Peer(NamedTuple):
    """One run of nmap."""

    seconds: float
    words: dict[int, str]
    """Host → everything that was said of it."""
    line: str
    finished: bool = True
    """False when it was stopped after the time that it was given: what it had told by then counts."""

    def says(self, rule: str, last: int) -> bool:
        """Say whether nmap's words of the host tell what *rule* tells."""
        words = self.words.get(last, "")
        if rule in {"TLS-002", "TLS-008"}:
            return _ends(words, rule)
        if rule == "TLS-005":
            names = re.search(r"ssl-cert: Subject: commonName=(\S+)(.|\n)*Issuer: commonName=(\S+)", words)
            return bool(names and names[1] == names[3])
        pattern = COUNTS.get(rule)
        return bool(pattern and re.search(pattern, words))


def _ends(words: str, rule: str) -> bool:
    told = re.search(r"Not valid after:\s+(\S+)", words)
    if not told:
        return False
    left = datetime.fromisoformat(told[1]).replace(tzinfo=UTC) - datetime.now(UTC)
    return left < timedelta() if rule == "TLS-002" else timedelta() <= left < timedelta(days=21)


def run(up: Corpus, seconds: int = 2400) -> Peer:
    """Scan the corpus from the auditor's place by the nmap of its tree, for *seconds* at most."""
    tcp = ",".join(map(str, load("audits.lan.ports").to_try(())))
    ports = f"T:{tcp},U:{','.join(map(str, _UDP))}"
    line = [
        "nmap", "-n", "-sS", "-sU", "-sV", "-T4", "--min-rate", "2000", "--max-retries", "1", "--min-hostgroup", "16", "--max-hostgroup", "32",
        "--script-timeout", "120s", "--script", _SCRIPTS, "-p", ports, "-e", "lan0", "-oX", "-", "--exclude", f"{NETWORK}.{AUDITOR}",
        f"{NETWORK}.0/24",
    ]  # fmt: skip
    tree = str(root.trees()["first"])
    enter = 'mount -t proc proc "$0/proc"; mount --rbind /dev "$0/dev"; exec chroot "$0" "$@"'
    whole = up.command(AUDITOR, "unshare", "--mount", "sh", "-c", enter, tree, *line)
    told = up.folder / "nmap.xml"
    began, finished = time.monotonic(), True
    with told.open("w") as out:
        try:
            subprocess.run(whole, check=True, stdout=out, stderr=subprocess.DEVNULL, timeout=seconds)
        except subprocess.TimeoutExpired:
            finished = False
    return Peer(time.monotonic() - began, _words(told.read_text()), " ".join(line).replace(tcp, "OUR-LIST"), finished)


def _words(xml: str) -> dict[int, str]:
    """Return host → words, of each host that was told of to the end; what the whole network was asked counts for whom it names."""
    found: dict[int, list[str]] = {}
    for block in re.findall(r"<host [^>]*>.*?</host>", xml, re.DOTALL):
        host = ET.fromstring(block)
        address = next((one.get("addr", "") for one in host.iter("address") if one.get("addrtype") == "ipv4"), "0")
        lines = [_said(one) for one in host.findall("hostscript/script")]
        for port in host.iter("port"):
            lines += _port(port)
        found[int(address.rpartition(".")[2])] = lines
    for block in re.findall(r"<prescript>.*?</prescript>", xml, re.DOTALL):
        for said in map(_said, ET.fromstring(block)):
            for last in {int(one) for one in re.findall(rf"\b{re.escape(NETWORK)}\.(\d+)", said)}:
                found.setdefault(last, []).append(said)
    return {last: "\n".join(lines) for last, lines in found.items()}


def _port(port: ET.Element) -> list[str]:
    service, state = port.find("service"), port.find("state")
    if state is None or state.get("state") != "open":
        return []
    keys = ("name", "product", "version", "extrainfo")
    told = "" if service is None else " ".join(service.get(key, "") for key in keys)
    scripts = [_said(one) for one in port.iter("script")]
    return [f"{port.get('portid')}/{port.get('protocol')} open service {told}", *scripts]


def _said(script: ET.Element) -> str:
    return f"{script.get('id')}: {(script.get('output') or '').strip()}"
