"""Says how each thing that a host of the lab can serve is served: by one of Debian's daemons or by a stand-in."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from wizara.lab import certificates
from wizara.lab.process import run
from wizara.lab.rehearsal import Serving

_HARDENED_SSH = """\
KexAlgorithms sntrup761x25519-sha512@openssh.com,curve25519-sha256
Ciphers chacha20-poly1305@openssh.com,aes256-gcm@openssh.com
MACs hmac-sha2-512-etm@openssh.com,hmac-sha2-256-etm@openssh.com
HostKeyAlgorithms ssh-ed25519
PermitRootLogin no
PasswordAuthentication no
KbdInteractiveAuthentication no
"""
_WEAK_SSH = """\
KexAlgorithms +diffie-hellman-group1-sha1,diffie-hellman-group14-sha1
Ciphers +aes128-cbc,3des-cbc
MACs +hmac-md5,hmac-sha1-96
PermitRootLogin yes
PasswordAuthentication yes
"""
_VSFTPD = """\
listen=YES
listen_ipv6=NO
background=NO
anonymous_enable=YES
local_enable=NO
seccomp_sandbox=NO
"""
_NGINX = """\
daemon off;
pid /run/nginx-{host}-{port}.pid;
error_log stderr;
worker_processes 1;
events {{ worker_connections 64; }}
http {{
  access_log off;
  server_tokens off;
  default_type text/html;
  server {{ listen {port}{tls}; root {home}/www; {settings} }}
}}
"""
_TLS = "ssl_certificate {home}/tls.pem; ssl_certificate_key {home}/tls.key; ssl_protocols {protocols}; ssl_ciphers {ciphers};"


@dataclass
class Host:
    """What a host of the lab is given: files in the daemons' tree, and what to start."""

    name: str
    address: str
    tree: Path
    """The layer over the tree of daemons."""
    logs: Path
    """Where stand-ins write what they received."""
    daemons: list[list[str]] = field(default_factory=list)
    """Commands that run inside the tree."""
    stand_ins: list[list[str]] = field(default_factory=list)
    """Words after ``python -m wizara.lab.hosts.``."""

    @property
    def home(self) -> str:
        """The host's own folder inside the tree."""
        return f"/srv/{self.name}"

    def write(self, name: str, content: str | bytes, mode: int = 0o644) -> str:
        """Write a file into the host's folder and return its path inside the tree."""
        path = self.tree / self.home.lstrip("/") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        path.chmod(mode)
        return f"{self.home}/{name}"


def serve(host: Host, serving: Serving) -> None:
    """Add *serving* to what *host* is given."""
    match serving:
        case "ssh-hardened" | "ssh-weak":
            _ssh(
                host,
                _HARDENED_SSH if serving == "ssh-hardened" else _WEAK_SSH,
                ["ed25519"] if serving == "ssh-hardened" else ["rsa"],
            )
        case "http" | "series" | "https-expired" | "https-modern" | "https-old":
            _web(host, serving)
        case "redis-open" | "redis-password":
            guard = ["--requirepass", "rehearsal-redis"] if serving == "redis-password" else ["--protected-mode", "no"]
            home = str(Path(host.write("redis/.keep", "")).parent)
            host.daemons.append(["redis-server", "--bind", "0.0.0.0", "--save", "", "--dir", home, *guard])  # noqa: S104 - the lab's own
        case "snmp-public":
            path = host.write("snmpd.conf", "rocommunity public\nsysDescr rehearsal camera\nsysLocation hq\n")
            host.daemons.append(
                [
                    "env",
                    "MIBS=",
                    "snmpd",
                    "-I",
                    "-smux",
                    "-f",
                    "-Lo",
                    "-C",
                    "-c",
                    path,
                    "-p",
                    f"/run/snmpd-{host.name}.pid",
                    "udp:161",
                ]
            )
        case "ftp-anonymous":
            host.daemons.append(["vsftpd", host.write("vsftpd.conf", _VSFTPD)])
        case "telnet":
            path = host.write("inetd.conf", "telnet stream tcp nowait root /usr/sbin/telnetd telnetd\n")
            host.daemons.append(["inetd", "-i", path])
        case "printer" | "smtp-relay" | "switch":
            host.logs.mkdir(parents=True, exist_ok=True)
            host.stand_ins.append(
                [{"smtp-relay": "smtp"}.get(serving, serving), host.name, host.address, str(host.logs)]
            )


def _ssh(host: Host, settings: str, kinds: list[str]) -> None:
    lines = ["UsePAM no", f"PidFile /run/sshd-{host.name}.pid", "AuthorizedKeysFile none", settings]
    for kind in kinds:
        host.write(".keep", "")
        key = host.tree / host.home.lstrip("/") / f"ssh_host_{kind}_key"
        run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "", "-f", key])
        lines.append(f"HostKey {host.home}/{key.name}")
    host.daemons.append(["/usr/sbin/sshd", "-D", "-e", "-f", host.write("sshd_config", "\n".join(lines))])


def _web(host: Host, serving: str) -> None:
    port, tls, settings = (8080 if serving == "series" else 80), "", ""
    if serving.startswith("https"):
        port, tls = 443, " ssl"
        certificate, key = certificates.issued(host.name, host.address, expired=serving == "https-expired")
        host.write("tls.pem", certificate)
        host.write("tls.key", key, 0o600)
        old = serving == "https-old"
        settings = _TLS.format(
            home=host.home, protocols="TLSv1 TLSv1.1" if old else "TLSv1.2 TLSv1.3",
            ciphers='"ALL:@SECLEVEL=0"' if old else "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305",
        )  # fmt: skip
    page = f"<!doctype html><html lang=fr><head><meta charset=utf-8><title>{host.name}</title></head><body>{serving}</body></html>\n"
    host.write("www/index.html", page)
    settings = _NGINX.format(host=host.name, home=host.home, port=port, tls=tls, settings=settings)
    host.daemons.append(["nginx", "-e", "stderr", "-c", host.write(f"nginx-{port}.conf", settings)])
