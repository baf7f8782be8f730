"""Hosts with plain services: legacy, files, mail, management, screens, names."""

from __future__ import annotations

from collections.abc import Mapping

from corpus.papers import Authority

#: last → (tree, files, script)
Host = tuple[str, Mapping[str, str | bytes], str]
WAIT = "\nexec sleep infinity\n"
INETD = "/usr/sbin/inetd /i.conf" + WAIT


def inetd(*lines: str) -> Host:
    return "first", {"i.conf": "\n".join(lines) + "\n"}, INETD


def vsftpd(*lines: str) -> Host:
    base = ("listen=YES", "background=NO", "seccomp_sandbox=NO", "secure_chroot_dir=/var/empty", "xferlog_enable=NO")
    script = (
        "mkdir -p /var/empty /srv/ftp/incoming; chmod 555 /srv/ftp; chown ftp /srv/ftp/incoming; vsftpd /v.conf &"
        + WAIT
    )
    return "first", {"v.conf": "\n".join((*base, *lines)) + "\n"}, script


def snmpd(*lines: str) -> Host:
    return "first", {"s.conf": "\n".join(lines) + "\n"}, "exec snmpd -f -Lo -C -c /s.conf udp:161"


def samba(*lines: str, share: str = "") -> Host:
    conf = ("[global]", "log level = 0", "disable spoolss = yes", "smb ports = 445", *lines, share)
    return (
        "first",
        {"smb.conf": "\n".join(conf) + "\n", "srv/x": "x"},
        ("mkdir -p /run/samba /var/log/samba; chmod 755 /srv; exec smbd -F --no-process-group -s /smb.conf"),
    )


_STRICT = ("map to guest = never", "restrict anonymous = 2")
_SIGNED = ("server signing = mandatory", "server min protocol = SMB2_10")


def slapd(*lines: str, papers: Mapping[str, str | bytes]) -> Host:
    conf = (
        "include /etc/ldap/schema/core.schema", "modulepath /usr/lib/ldap", "moduleload back_mdb", *lines, "database mdb",
        'suffix "dc=min,dc=test"', 'rootdn "cn=admin,dc=min,dc=test"', "rootpw secret-and-long", "directory /db",
    )  # fmt: skip
    entry = "dn: dc=min,dc=test\nobjectClass: dcObject\nobjectClass: organization\no: min\ndc: min\n"
    script = "mkdir -p /db; slapadd -f /l.conf -l /l.ldif; exec slapd -d 0 -f /l.conf -h ldap://0.0.0.0:389/"
    return "first", {"l.conf": "\n".join(conf) + "\n", "l.ldif": entry, **papers}, script


def dhcp_server(last: int) -> Host:
    """A server of addresses; that there are two on one wire is the weakness."""
    first, final = (f"10.77.0.{last * 2 + end}" for end in (60, 61))
    return (
        "first",
        {},
        (
            f"exec dnsmasq -k -C /dev/null --no-ping -p 0 --user=root --log-facility=- --dhcp-range={first},{final},2m --dhcp-leasefile=/tmp/l"
        ),
    )


def router(prefix: str) -> Host:
    """A machine that says it is an IPv6 router; that there are two is the weakness."""
    conf = f"interface lan0 {{ AdvSendAdvert on; MinRtrAdvInterval 3; MaxRtrAdvInterval 4; prefix {prefix} {{ }}; }};\n"
    script = "echo 1 > /proc/sys/net/ipv6/conf/all/forwarding; sleep 2; exec radvd -n -m stderr -C /r.conf -p /run/r.pid -u root"
    return "first", {"r.conf": conf}, script


def dovecot(*lines: str, papers: Mapping[str, str | bytes]) -> Host:
    conf = (
        "protocols = imap pop3", "log_path = /dev/stderr", "ssl_cert = </crt.pem", "ssl_key = </key.pem",
        "passdb {", " driver = static", " args = password=x", "}", "userdb {", " driver = static", " args = uid=mail gid=mail home=/tmp", "}",
        *lines,
    )  # fmt: skip
    return "first", {"d.conf": "\n".join(conf) + "\n", **papers}, "exec dovecot -F -c /d.conf"


def postfix(*lines: str, port: str = "smtp", papers: Mapping[str, str | bytes] | None = None) -> Host:
    main = (
        "compatibility_level = 3.6", "myhostname = mail.min.test", "inet_interfaces = all", "inet_protocols = ipv4",
        "mydestination = min.test", "alias_maps =", "smtputf8_enable = no", "maillog_file = /dev/stdout", *lines,
    )  # fmt: skip
    services = (
        f"{port} inet n - n - - smtpd", "cleanup unix n - n - 0 cleanup", "rewrite unix - - n - - trivial-rewrite",
        "proxymap unix - - n - - proxymap", "anvil unix - - n - 1 anvil", "tlsmgr unix - - n 1000? 1 tlsmgr",
        "postlog unix-dgram n - n - 1 postlogd", "error unix - - n - - error", "local unix - n n - - local",
        "smtp unix - - n - - smtp", "qmgr unix n - n 300 1 qmgr", "bounce unix - - n - 0 bounce", "defer unix - - n - 0 bounce",
    )  # fmt: skip
    files = {"etc/postfix/main.cf": "\n".join(main) + "\n", "etc/postfix/master.cf": "\n".join(services) + "\n"}
    return "first", {**files, **(papers or {})}, "exec postfix start-fg"


def bind(*options: str, zone: str = "", last: int = 0) -> Host:
    conf = 'options { directory "/var/cache/bind"; listen-on { any; }; listen-on-v6 { none; }; dnssec-validation no; empty-zones-enable yes; %s };\n%s\n'  # fmt: skip
    head = "$TTL 300\n@ IN SOA ns1.min.test. root.min.test. 1 300 300 300 300\n@ IN NS ns1.min.test.\n"
    files = {
        "n.conf": conf % (" ".join(options), zone),
        "min.zone": f"{head}ns1 IN A 10.77.0.{last}\nwww IN A 10.77.0.{last}\n",
        "rev.zone": f"{head}{last} IN PTR ns1.min.test.\n",
    }
    return "first", files, "mkdir -p /run/named; chown bind /run/named; exec named -f -u bind -c /n.conf"


_ZONES = 'zone "min.test" { type master; file "/min.zone"; }; zone "0.77.10.in-addr.arpa" { type master; file "/rev.zone"; };'
_VNC = "mkdir -p /tmp/.X11-unix; chmod 1777 /tmp/.X11-unix; exec Xtigervnc :0 -localhost=0 -rfbport 5900 "


def hosts(authority: Authority) -> dict[int, Host]:
    """Return the hosts of the first tree, weak and hardened ones."""
    return _weak(authority) | _mail_and_names() | _hardened(authority)


def _hardened(authority: Authority) -> dict[int, Host]:
    return {
        203: samba("server min protocol = SMB3_00", "server signing = mandatory", *_STRICT),
        204: snmpd("createUser audit SHA long-and-secret AES also-long-and-secret", "rouser audit priv"),
        205: slapd("TLSCertificateFile /crt.pem", "TLSCertificateKeyFile /key.pem", "security tls=1", "disallow bind_anon", "require authc", papers=authority.papers("ldap.min.test")),
        206: bind("recursion no; allow-query { none; }; version none;"),
        208: postfix("mynetworks = 127.0.0.0/8", "smtpd_tls_security_level = may", "smtpd_tls_cert_file = /crt.pem", "smtpd_tls_key_file = /key.pem", papers=authority.papers("mail.min.test")),
        211: vsftpd("anonymous_enable=NO", "local_enable=YES", "write_enable=YES"),
        215: dovecot("ssl = required", "disable_plaintext_auth = yes", papers=authority.papers("imap.min.test")),
        218: ("first", {"r.conf": "[archives]\npath = /srv\nauth users = a\nsecrets file = /r.secret\n", "r.secret": "a:long-and-secret\n"}, "chmod 600 /r.secret; exec rsync --daemon --no-detach --config=/r.conf"),
        219: ("first", {}, "mkdir -p /run/x; printf 'longsecret\\nlongsecret\\n' | tigervncpasswd -f > /run/x/p || true; " + _VNC + "-SecurityTypes VncAuth -PasswordFile /run/x/p"),
        220: ("first", {"ntp.conf": "server 127.127.1.0\nrestrict default kod nomodify nopeer noquery limited\nrestrict 127.0.0.1\n"}, "exec ntpd -n -g -N -c /ntp.conf"),
    }  # fmt: skip


def _mail_and_names() -> dict[int, Host]:
    return {
        65: ("first", {}, "exec dnsmasq -k -C /dev/null --no-resolv --server=10.77.0.66 --user=root --log-facility=-"),
        66: bind("recursion yes; allow-recursion { any; }; version none;"),
        67: bind("recursion no; version none; allow-transfer { any; };", zone=_ZONES, last=67),
        68: ("first", {"ntp.conf": "restrict default\nrestrict 10.77.0.0 mask 255.255.255.0\n"}, "exec ntpd -n -g -N -c /ntp.conf"),
        70: postfix("mynetworks = 0.0.0.0/0"),
        71: postfix("mynetworks = 127.0.0.0/8"),
        115: postfix("mynetworks = 0.0.0.0/0", "smtpd_banner = ready ESMTP", port="2525"),
        112: snmpd("com2sec all default public", "group everybody v1 all", "view all included .1", 'access everybody "" v1 noauth exact all none none'),
        73: dhcp_server(73),
        74: router("2001:db8:77::/64"),
        82: dhcp_server(82),
        83: router("2001:db8:83::/64"),
    }  # fmt: skip


def _weak(authority: Authority) -> dict[int, Host]:
    good = authority.papers("srv.min.test", authority.key())
    guest = "[partage]\npath = /srv\nguest ok = yes\nread only = yes\n"
    return {
        11: inetd("telnet stream tcp nowait root /usr/sbin/telnetd telnetd"),
        12: ("first", {"i.conf": "finger stream tcp nowait nobody /usr/sbin/in.fingerd in.fingerd\n", "usr/bin/finger": "#!/bin/sh\necho No one logged on.\n"}, "chmod 755 /usr/bin/finger; " + INETD),
        13: inetd(*(f"{one} {kind} internal" for one in ("echo", "chargen") for kind in ("stream tcp nowait root", "dgram udp wait root"))),
        15: vsftpd("anonymous_enable=YES"),
        16: vsftpd("anonymous_enable=YES", "write_enable=YES", "anon_upload_enable=YES"),
        17: ("first", {"srv/tftp/startup-config": "hostname sw\n"}, "chmod -R a+rX /srv; exec in.tftpd --foreground --listen --secure /srv/tftp"),
        19: dovecot("ssl = no", "disable_plaintext_auth = no", papers=good),
        20: ("first", {}, _VNC + "-SecurityTypes None"),
        21: ("first", {}, "mkdir -p /tmp/.X11-unix; exec Xvfb :0 -screen 0 64x64x8 -listen tcp -ac"),
        22: snmpd("rocommunity public"),
        23: snmpd("rwcommunity private"),
        24: snmpd("createUser public", "rouser public noauth"),
        31: samba("server min protocol = NT1", "server signing = mandatory", *_STRICT),
        32: samba("server signing = disabled", "server min protocol = SMB2_10", *_STRICT),
        33: samba("map to guest = bad user", *_SIGNED, share=guest),
        34: ("first", {"smb.conf": "[global]\nnetbios name = BUREAU\nlog level = 0\n"}, "mkdir -p /run/samba /var/log/samba; exec nmbd -F --no-process-group -s /smb.conf"),
        35: ("first", {"g.conf": _GANESHA}, "mkdir -p /run/rpcbind /run/ganesha; rpcbind -w; exec ganesha.nfsd -F -L /dev/stdout -f /g.conf -p /run/g.pid"),
        36: ("first", {"r.conf": "[archives]\npath = /srv\nread only = yes\n"}, "exec rsync --daemon --no-detach --config=/r.conf"),
        37: slapd("TLSCertificateFile /crt.pem", "TLSCertificateKeyFile /key.pem", papers=good),
        38: slapd("disallow bind_anon", "require authc", papers={}),
        39: ("first", {}, "mkdir -p /run/rpcbind; exec rpcbind -f -w"),
    }  # fmt: skip


_GANESHA = """
NFS_CORE_PARAM { Protocols = 3; mount_path_pseudo = false; Enable_NLM = false; Enable_RQUOTA = false; Bind_addr = 0.0.0.0; }
EXPORT { Export_Id = 1; Path = /partage; Pseudo = /partage; Access_Type = RO; Squash = Root_Squash; SecType = sys; Protocols = 3; FSAL { Name = MEM; } }
EXPORT_DEFAULTS { Access_Type = RO; }
LOG { Default_Log_Level = EVENT; }
"""
