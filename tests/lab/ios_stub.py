"""A switch that answers four Cisco-IOS commands over SSH to one login, for the audit's own tests."""

from __future__ import annotations

import socket
import sys
import threading

import paramiko

CONFIG = """hostname sw-hq
!
username audit privilege 15 password 0 hunter2-clear
snmp-server community public RO
snmp-server community hunter2-community RW
ip http server
line vty 0 4
 transport input telnet ssh
end"""
ANSWERS = {
    "show version": "Cisco IOS Software, Version 15.0(2)SE11",
    "show running-config": CONFIG,
    "show cdp neighbors": "Device ID        Local Intrfce     Holdtme    Capability  Platform  Port ID",
    "show lldp neighbors": "% LLDP is not enabled",
}


class Login(paramiko.ServerInterface):
    def check_auth_password(self, username: str, password: str) -> int:
        return paramiko.AUTH_SUCCESSFUL if (username, password) == ("audit", "hunter2-login") else paramiko.AUTH_FAILED

    def get_allowed_auths(self, username: str) -> str:
        return "password"

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED

    def check_channel_pty_request(self, *_arguments: object) -> bool:
        return True

    def check_channel_shell_request(self, channel: paramiko.Channel) -> bool:
        return True


def talk(channel: paramiko.Channel) -> None:
    prompt = b"sw-hq>"
    channel.sendall(b"\r\n" + prompt)
    line = b""
    while octet := channel.recv(1):
        if octet not in b"\r\n":
            line += octet
            continue
        command = line.decode().strip()
        line = b""
        if command == "enable":
            channel.sendall(b"enable\r\nPassword: ")
            secret = b""
            while (octet := channel.recv(1)) not in {b"\r", b"\n", b""}:
                secret += octet
            prompt = b"sw-hq#" if secret == b"hunter2-enable" else prompt
            channel.sendall(b"\r\n" + prompt)
            continue
        allowed = command != "show running-config" or prompt.endswith(b"#")
        answer = ANSWERS.get(command, "") if allowed else "% Invalid input detected at '^' marker."
        channel.sendall(
            command.encode() + b"\r\n" + answer.replace("\n", "\r\n").encode() + (b"\r\n" if answer else b"") + prompt
        )


def serve(client: socket.socket, key: paramiko.PKey) -> None:
    transport = paramiko.Transport(client)
    transport.add_server_key(key)
    try:
        transport.start_server(server=Login())
        channel = transport.accept(20)
        if channel is not None:
            talk(channel)
    except (paramiko.SSHException, EOFError, OSError):
        return
    finally:
        transport.close()


if __name__ == "__main__":
    host_key = paramiko.Ed25519Key(filename=sys.argv[1])
    listener = socket.create_server(("0.0.0.0", 22))
    while True:
        client, _peer = listener.accept()
        threading.Thread(target=serve, args=(client, host_key), daemon=True).start()
