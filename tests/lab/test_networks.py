"""The lab's links delay, can be watched and cut, and its LANs carry the planted hosts."""

from __future__ import annotations

import socket
import ssl
import subprocess
import time
from pathlib import Path

import pytest
from netmiko import ConnectHandler

from wizara.lab import Lab, namespace, reach

pytestmark = pytest.mark.lab


def packets(capture: Path, *words: str) -> list[str]:
    return subprocess.run(
        ["tcpdump", "-nr", str(capture), *words], capture_output=True, text=True, check=True
    ).stdout.splitlines()


def ping(lab: Lab, where: str, address: str, count: int = 1) -> subprocess.CompletedProcess[str]:
    return lab.exec(where, ["ping", "-c", str(count), "-W", "2", address])


def banner(lab: Lab, address: str, port: int, say: bytes = b"") -> bytes:
    def ask() -> bytes:
        with socket.create_connection((address, port), timeout=5) as line:
            line.sendall(say)
            return line.recv(4096)

    return namespace.within(namespace.path(lab.name, "auditor"), ask)


def shake_hands(lab: Lab, address: str, version: ssl.TLSVersion) -> bool:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version

    def ask() -> bool:
        try:
            with socket.create_connection((address, 443), timeout=5) as line, context.wrap_socket(line):
                return True
        except ssl.SSLError:
            return False

    return namespace.within(namespace.path(lab.name, "auditor"), ask)


def test_a_link_takes_its_time_both_to_the_outside_and_to_other_sites(ministry_lab):
    for address, least in {"203.0.113.10": 0.300, "198.51.100.6": 0.360}.items():
        began = time.monotonic()
        assert ping(ministry_lab, "gw-ons", address).returncode == 0
        assert time.monotonic() - began >= least


def test_a_capture_on_a_link_sees_its_packets(ministry_lab):
    with ministry_lab.capture("ons.vsat") as target:
        ping(ministry_lab, "gw-ons", "203.0.113.2")
    assert len(packets(target, "icmp and host 198.51.100.2")) >= 2


def test_a_capture_on_a_lan_sees_its_packets(ministry_lab):
    with ministry_lab.capture("hq.servers") as target:
        ping(ministry_lab, "dc1", "10.20.10.20")
    assert len(packets(target, "icmp")) >= 2


def test_a_blocked_link_carries_nothing_until_it_is_free_again(ministry_lab):
    ministry_lab.block("cneap.mobile")
    try:
        assert ping(ministry_lab, "gw-cneap", "203.0.113.10").returncode != 0
        assert ping(ministry_lab, "gw-ons", "203.0.113.10").returncode == 0
    finally:
        ministry_lab.unblock("cneap.mobile")
    assert ping(ministry_lab, "gw-cneap", "203.0.113.10").returncode == 0


def test_no_private_network_is_known_outside(ministry_lab):
    assert ministry_lab.exec("operator", ["ip", "route", "get", "10.21.1.1"]).stdout.split()[2] == "203.0.113.1"
    assert not ministry_lab.exec("internet", ["ip", "route", "show", "root", "10.0.0.0/8"]).stdout


def test_nothing_is_forwarded_before_a_deploy_says_so(ministry_lab):
    for node in ("gw-hq", "gw-ons", "gw-cneap"):
        assert ministry_lab.exec(node, ["sysctl", "-n", "net.ipv4.ip_forward"]).stdout.strip() == "0"


@pytest.mark.parametrize(
    ("address", "port", "say", "said"),
    [
        ("10.20.20.12", 23, b"", b"\xff"),
        ("10.20.20.2", 23, b"", b"Username"),
        ("10.20.20.41", 21, b"", b"220"),
        ("10.20.20.42", 6379, b"PING\r\n", b"+PONG"),
        ("10.20.20.44", 6379, b"PING\r\n", b"-NOAUTH"),
        ("10.20.20.60", 25, b"", b"220"),
        ("10.20.20.11", 22, b"", b"SSH-2.0"),
        ("10.20.20.62", 22, b"", b"SSH-2.0"),
        ("10.20.20.61", 80, b"GET / HTTP/1.0\r\n\r\n", b"<title>camera-hq"),
    ],
)
def test_a_host_answers_as_it_was_planted(ministry_lab, address, port, say, said):
    ministry_lab.wait_port("auditor", address, port)
    assert said in banner(ministry_lab, address, port, say)


def test_tls_is_old_where_planted_and_modern_elsewhere(ministry_lab):
    for address in ("10.20.20.62", "10.20.20.43", "10.20.20.40"):
        ministry_lab.wait_port("auditor", address, 443)
    assert shake_hands(ministry_lab, "10.20.20.62", ssl.TLSVersion.TLSv1)
    assert not shake_hands(ministry_lab, "10.20.20.62", ssl.TLSVersion.TLSv1_2)
    assert not shake_hands(ministry_lab, "10.20.20.43", ssl.TLSVersion.TLSv1_1)
    assert shake_hands(ministry_lab, "10.20.20.43", ssl.TLSVersion.TLSv1_3)


def test_an_absent_host_is_not_there(ministry_lab):
    assert ping(ministry_lab, "gw-hq", "10.20.20.11").returncode == 0
    assert ping(ministry_lab, "gw-hq", "10.20.20.14").returncode != 0


def test_the_printer_tells_what_it_was_sent(ministry_lab):
    ministry_lab.wait_port("auditor", "10.20.20.30", 9100)
    received = ministry_lab.folder / "hosts/received/printer-hq"
    assert (received / "515.bytes").read_bytes() == b""

    def send() -> None:
        with socket.create_connection(("10.20.20.30", 515), timeout=5) as line:
            line.sendall(b"\x04lp\n")

    namespace.within(namespace.path(ministry_lab.name, "auditor"), send)
    deadline = time.monotonic() + 5
    while not (received / "515.bytes").read_bytes() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert (received / "515.bytes").read_bytes() == b"\x04lp\n"
    (received / "515.bytes").write_bytes(b"")


def test_the_switch_answers_as_ios_does(ministry_lab):
    ministry_lab.wait_port("auditor", "10.20.20.2", 22)

    def ask() -> list[str]:
        device = ConnectHandler(
            device_type="cisco_ios",
            host="10.20.20.2",
            username="audit",
            password="rehearsal-switch",
            secret="rehearsal-switch",
        )
        with device:
            refused = device.send_command("show running-config")
            device.enable()
            return [
                refused,
                *(
                    device.send_command(f"show {what}")
                    for what in ("version", "running-config", "cdp neighbors", "lldp neighbors")
                ),
            ]

    refused, version, configuration, cdp, lldp = namespace.within(namespace.path(ministry_lab.name, "auditor"), ask)
    assert "Invalid input" in refused
    assert "Cisco IOS Software" in version
    assert "snmp-server community public" in configuration
    assert "transport input telnet" in configuration
    assert "gw-hq" in cdp
    assert "gw-hq" in lldp


def test_an_institutions_host_serves_its_series(ministry_lab):
    path = namespace.path(ministry_lab.name, "pc-ons")
    ministry_lab.wait_port("pc-ons", "10.21.1.11", 8080)
    assert namespace.within(path, lambda: reach.accepts("10.21.1.11", 8080))
