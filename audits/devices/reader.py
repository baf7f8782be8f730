"""Reads a declared device by its command line: only when its host key is pinned, or its cleartext access is declared."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from audits.devices.commands import WORDS, Forbidden, Gate
from audits.devices.redaction import redacted
from audits.devices.tables import refused, table
from wizara.audit.job import DeviceLogin
from wizara.audit.untrusted import untrusted, untrusted_lines

#: Opens a way to an address and port within seconds: a socket, or what can stand for one.
Connect = Callable[[str, int, float], Any]
_TYPES = {
    "cisco_ios": "cisco_ios", "huawei_vrp": "huawei", "hp_comware": "hp_comware", "aruba_aoscx": "aruba_aoscx",
    "mikrotik_routeros": "mikrotik_routeros",
}  # fmt: skip
_BY_TELNET = frozenset({"cisco_ios", "huawei_vrp"})
_PATIENCE = 30.0
"""Seconds that a device may take for one answer."""
#: What SSH is not spoken with unless the device's legacy access is declared.
_OLD: dict[str, list[str]] = {
    "kex": ["diffie-hellman-group1-sha1", "diffie-hellman-group14-sha1", "diffie-hellman-group-exchange-sha1"],
    "keys": ["ssh-rsa", "ssh-dss"], "ciphers": ["3des-cbc", "aes128-cbc", "aes192-cbc", "aes256-cbc"],
    "macs": ["hmac-md5", "hmac-md5-96", "hmac-sha1", "hmac-sha1-96"],
}  # fmt: skip


def look(connect: Connect, device: DeviceLogin) -> dict[str, JsonValue]:
    """Return the answers of *device* by name; ``answer: false`` and why when it could not be read."""
    platform = next((name for name in WORDS if name == device.platform), None)
    told: dict[str, JsonValue] = {"platform": device.platform, "access": device.access}
    if platform is None:
        return told | {"answer": False, "reason": "platform"}
    if device.access == "telnet" and platform not in _BY_TELNET:
        return told | {"answer": False, "reason": "platform"}
    if device.password is None:
        return told | {"answer": False, "reason": "no-password"}
    if device.access != "telnet" and device.host_key is None:
        return told | {"answer": False, "reason": "no-host-key"}
    with tempfile.TemporaryDirectory(prefix="wizara-device-") as folder:
        known = Path(folder) / "known_hosts"
        known.write_text(f"{device.address} {device.host_key}\n" if device.host_key else "")
        return told | _read(connect, device, platform, known)


def _read(connect: Connect, device: DeviceLogin, platform: str, known: Path) -> dict[str, JsonValue]:
    from netmiko.exceptions import NetmikoAuthenticationException, NetmikoBaseException  # noqa: PLC0415
    from paramiko.ssh_exception import SSHException  # noqa: PLC0415

    assert device.password is not None
    password = device.password.get_secret_value()
    secret = device.enable.get_secret_value() if device.enable else password
    gate = Gate(platform, frozenset({password, secret, device.username}))
    try:
        told = _answers(
            connect, device, platform, gate, {"password": password, "secret": secret, "alt_key_file": str(known)}
        )
    except NetmikoAuthenticationException:
        told = {"answer": False, "reason": "refused"}
    except Forbidden as fault:
        told = {"answer": False, "reason": "forbidden", "fault": untrusted(str(fault))}
    except (NetmikoBaseException, SSHException, OSError, EOFError, ValueError) as fault:
        words = str(fault)
        reason = "host-key" if "host key" in words.lower() or "known_hosts" in words else "session"
        reason = "old-ssh" if "Incompatible ssh" in words or "no acceptable" in words.lower() else reason
        told = {"answer": False, "reason": reason, "fault": untrusted(words.splitlines()[0] if words else "")}
    return told | {"sent": [untrusted(one) for one in gate.sent]}


def _answers(
    connect: Connect, device: DeviceLogin, platform: str, gate: Gate, secrets: dict[str, str]
) -> dict[str, JsonValue]:
    """Say each reading command and keep its lines without secrets, and its table where it has one."""
    port = 23 if device.access == "telnet" else 22
    sock = connect(str(device.address), port, 10)
    with _session(device, platform, gate, sock, secrets) as session:
        if platform == "cisco_ios" and not session.check_enable_mode():
            session.enable()
        raw = {
            name: str(session.send_command(command, read_timeout=_PATIENCE))
            for name, command in WORDS[platform].read.items()
        }
    told: dict[str, JsonValue] = {}
    for name, answer in raw.items():
        shown = [*lines(platform, answer)]
        told[name] = shown
        if name != "config" and shown:
            told[f"{name}_table"] = table(platform, WORDS[platform].read[name], answer)
    return told


def _session(device: DeviceLogin, platform: str, gate: Gate, sock: Any, secrets: dict[str, str]) -> Any:
    """Return a netmiko session whose every word passes *gate*, over the connection *sock*."""
    from netmiko._telnetlib import telnetlib  # noqa: PLC0415
    from netmiko.channel import TelnetChannel  # noqa: PLC0415
    from netmiko.exceptions import NetmikoAuthenticationException, ReadTimeout  # noqa: PLC0415
    from netmiko.ssh_dispatcher import CLASS_MAPPER  # noqa: PLC0415 - a second of import that only this collector pays

    telnet = device.access == "telnet"
    kind = _TYPES[platform] + ("_telnet" if telnet else "")
    base: Any = CLASS_MAPPER[kind]
    empty: Any = telnetlib.Telnet

    class Reader(base):  # type: ignore[misc]
        logging_in, tried = False, False

        def write_channel(self, out_data: str) -> None:
            if self.logging_in and out_data.strip() == secrets["password"]:
                if self.tried:  # it asks again: once more might lock the account
                    raise NetmikoAuthenticationException("refused")
                self.tried = True
            gate.let_pass(out_data)
            super().write_channel(out_data)

        def establish_connection(self, *arguments: Any, **named: Any) -> None:
            if not telnet:
                super().establish_connection(*arguments, **named)
                return
            self.remote_conn = empty()
            self.remote_conn.sock = sock
            self.channel = TelnetChannel(conn=self.remote_conn, encoding=self.encoding)
            self.logging_in = True
            try:
                self.telnet_login()
            except ReadTimeout as fault:
                if self.tried:  # no prompt came after the password
                    raise NetmikoAuthenticationException("refused") from fault
                raise
            self.logging_in = False

    settings: dict[str, Any] = {
        "device_type": kind, "host": str(device.address), "username": device.username, "fast_cli": False,
        "conn_timeout": 10, "auth_timeout": _PATIENCE, "banner_timeout": _PATIENCE, **secrets,
    }  # fmt: skip
    if not telnet:
        old = {} if device.access == "legacy-ssh" else {"disabled_algorithms": _OLD}
        settings |= {"sock": sock, "ssh_strict": True, "system_host_keys": False, "alt_host_keys": True,
                     "use_keys": False, "allow_agent": False, **old}  # fmt: skip
    else:
        del settings["alt_key_file"]
    return Reader(**settings)


def lines(platform: str, answer: str) -> Iterator[JsonValue]:
    """Yield the lines of a device's *answer* without secrets, numbered as it gave them; none when it refused the command."""
    told = [*redacted(platform, untrusted_lines(answer.strip("\r\n"), 200_000))]
    if any(told) and not refused(told):
        yield from told
