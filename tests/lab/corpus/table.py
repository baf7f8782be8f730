"""What is planted where, and what must stay silent: the numbers are those of the plan's list of sixty."""

from __future__ import annotations

from typing import NamedTuple


class Plant(NamedTuple):
    """One weakness on one host."""

    number: str
    """Of the list; a letter tells parts of one apart."""
    rule: str
    last: int
    """Last part of the host's address."""
    what: str
    held_out: bool = False
    """Another make, version, port or banner of a weakness that stands elsewhere on the list."""


PLANTS = (
    Plant("1", "TEL-001", 11, "inetutils-telnetd"),
    Plant("2", "FIN-001", 12, "fingerd"),
    Plant("3a", "ECH-001", 13, "echo of openbsd-inetd"),
    Plant("3b", "ECH-002", 13, "echo by UDP of openbsd-inetd"),
    Plant("4", "CHG-001", 13, "chargen of openbsd-inetd"),
    Plant("5a", "RLO-001", 14, "rlogin as BSD answers"),
    Plant("5b", "RSH-001", 14, "rsh as BSD answers"),
    Plant("6", "FTP-001", 15, "vsftpd, anonymous"),
    Plant("7", "FTP-002", 16, "vsftpd, anonymous, takes uploads"),
    Plant("8", "TFT-001", 17, "tftpd-hpa with a configuration"),
    Plant("9", "WEB-002", 18, "nginx, Basic authentication in clear"),
    Plant("10a", "POP-001", 19, "dovecot POP3 without encryption"),
    Plant("10b", "IMA-001", 19, "dovecot IMAP without encryption"),
    Plant("11", "VNC-001", 20, "Xtigervnc without authentication"),
    Plant("12", "X11-001", 21, "Xvfb without access control"),
    Plant("13", "SNM-001", 22, "snmpd, community public"),
    Plant("14", "SNM-002", 23, "snmpd, community private for writing"),
    Plant("15", "SNM-003", 24, "snmpd, SNMPv3 user without authentication"),
    Plant("16", "WEB-003", 25, "web page that admin / admin opens"),
    Plant("17", "WEB-003", 26, "sshd that admin / admin opens"),
    Plant("18", "TEL-001", 27, "telnet prompt of a switch"),
    Plant("19", "IPM-001", 28, "IPMI cipher suite 0"),
    Plant("20", "SMI-001", 29, "Smart Install client"),
    Plant("21a", "ROS-001", 30, "Winbox"),
    Plant("21b", "ROS-002", 30, "RouterOS API in clear"),
    Plant("22", "SMB-001", 31, "samba with SMB 1"),
    Plant("23", "SMB-002", 32, "samba without required signatures"),
    Plant("24a", "SMB-003", 33, "samba, share for guests"),
    Plant("24b", "SMB-004", 33, "samba, null session"),
    Plant("25", "NBT-001", 34, "nmbd"),
    Plant("26", "NFS-001", 35, "nfs-ganesha, exported to all"),
    Plant("27", "RSY-001", 36, "rsync module without a password"),
    Plant("28", "LDP-001", 37, "slapd, anonymous search"),
    Plant("29", "LDP-002", 38, "slapd without TLS"),
    Plant("30", "RPC-001", 39, "rpcbind"),
    Plant("31", "SSH-001", 40, "sshd, weak key exchange"),
    Plant("32", "SSH-002", 41, "sshd, weak cipher"),
    Plant("33", "SSH-003", 42, "sshd, weak integrity check"),
    Plant("34", "SSH-004", 43, "sshd, weak kind of host key"),
    Plant("35", "SSH-005", 44, "sshd, passwords for root"),
    Plant("36", "TLS-001", 45, "openssl s_server, TLS 1.0"),
    Plant("37", "TLS-003", 46, "RSA key of 1024 bits"),
    Plant("38", "TLS-003", 47, "SHA-1 signature"),
    Plant("39", "TLS-002", 48, "expired certificate"),
    Plant("39b", "TLS-008", 49, "certificate that ends in ten days"),
    Plant("40a", "TLS-006", 50, "certificate for another name"),
    Plant("40b", "TLS-005", 51, "self-signed certificate"),
    Plant("41a", "TLS-001", 52, "SSL 3"),
    Plant("41b", "TLS-004", 53, "NULL suites of openssl s_server"),
    Plant("41c", "TLS-004", 54, "EXPORT suites"),
    Plant("42", "TLS-007", 55, "key of .56"),
    Plant("42", "TLS-007", 56, "key of .55"),
    Plant("43", "RED-001", 57, "redis without a password"),
    Plant("44a", "MEM-001", 58, "memcached by TCP"),
    Plant("44b", "MEM-002", 59, "memcached by UDP"),
    Plant("45", "MQT-001", 60, "mosquitto, anonymous"),
    Plant("46a", "PGS-001", 61, "PostgreSQL with trust"),
    Plant("46b", "MYS-001", 62, "MariaDB, root without a password"),
    Plant("47a", "MON-001", 63, "MongoDB without access control"),
    Plant("47b", "ELA-001", 64, "search engine without access control"),
    Plant("48", "RSV-001", 66, "bind9, open resolver"),
    Plant("49", "RSV-002", 67, "bind9, zone transfer"),
    Plant("50", "RSV-003", 65, "dnsmasq tells its version"),
    Plant("51a", "NTP-001", 68, "ntpsec, mode 6"),
    Plant("51b", "NTP-002", 69, "ntpd of old, mode 7"),
    Plant("52", "SMT-001", 70, "postfix, open relay"),
    Plant("53", "SMT-002", 71, "postfix without STARTTLS"),
    Plant("53b", "SMT-003", 72, "mail server, login in clear"),
    Plant("54", "BRO-001", 73, "dnsmasq, a second server of addresses"),
    Plant("54", "BRO-001", 82, "dnsmasq, a first server of addresses"),
    Plant("55", "BRO-002", 74, "radvd"),
    Plant("55", "BRO-002", 83, "radvd, another prefix"),
    Plant("56a", "BRO-003", 75, "answers to any name by LLMNR"),
    Plant("56b", "BRO-004", 75, "answers to wpad"),
    Plant("57", "LAN-004", 76, "two cards for one address"),
    Plant("58", "PRI-001", 77, "printer's page without a login"),
    Plant("59", "PLC-001", 78, "Modbus reachable"),
    Plant("60a", "WEB-004", 79, "nginx, .git"),
    Plant("60b", "WEB-005", 80, "nginx, list of files"),
    Plant("6v", "FTP-001", 101, "pure-ftpd at port 2121", held_out=True),
    Plant("1v", "TEL-001", 102, "telnet without options at port 2323", held_out=True),
    Plant("33v", "SSH-003", 103, "dropbear", held_out=True),
    Plant("48v", "RSV-001", 104, "unbound, open resolver", held_out=True),
    Plant("50v", "RSV-003", 104, "unbound tells its version", held_out=True),
    Plant("52v", "SMT-001", 105, "exim, open relay", held_out=True),
    Plant("60av", "WEB-004", 106, "apache, .git", held_out=True),
    Plant("60bv", "WEB-005", 107, "lighttpd, list of files at port 8090", held_out=True),
    Plant("36v", "TLS-001", 108, "gnutls-serv, TLS 1.0 and 1.1", held_out=True),
    Plant("8v", "TFT-001", 109, "atftpd with another configuration", held_out=True),
    Plant("10v", "POP-001", 110, "POP3 of old, without capabilities", held_out=True),
    Plant("11v", "VNC-001", 111, "x11vnc at port 5901", held_out=True),
    Plant("13v", "SNM-001", 112, "snmpd that speaks v1 only", held_out=True),
    Plant("9v", "WEB-002", 113, "lighttpd, Basic at port 8000", held_out=True),
    Plant("52w", "SMT-001", 115, "postfix at port 2525", held_out=True),
    Plant("2v", "FIN-001", 117, "efingerd", held_out=True),
    Plant("60bw", "WEB-005", 106, "apache, list of files", held_out=True),
    Plant("40bv", "TLS-005", 118, "apache at port 8443, self-signed", held_out=True),
)

#: What else is rightly found on hosts of the list, as a weakness that comes along with the planted one.
ALONG = frozenset(
    {
        ("FTP-001", 16), ("WEB-002", 25), ("SSH-005", 26), ("RPC-001", 35), ("RSV-001", 65), ("MEM-001", 59), ("TLS-004", 45),
        ("TLS-004", 52), ("TLS-001", 54), ("FTP-002", 101), ("SSH-001", 103), ("SSH-004", 103), ("SMT-002", 72), ("SMT-002", 70), ("SMT-002", 105), ("SMT-002", 115),
    }
)  # fmt: skip

CONTROLS = {
    201: "sshd, keys and modern algorithms only",
    202: "nginx, TLS 1.2 and 1.3, certificate of an authority",
    203: "samba, SMB 3 signed, no strangers",
    204: "snmpd, SNMPv3 authPriv",
    205: "slapd, TLS and no strangers",
    206: "bind9, everything refused",
    207: "chrony, serves time only",
    208: "postfix, STARTTLS, no relay",
    209: "filtered host",
    210: "host without services",
    211: "vsftpd, accounts only",
    212: "redis with a password",
    213: "mosquitto with passwords",
    214: "printer behind a filter",
    215: "dovecot, TLS before login",
    216: "PostgreSQL, scram",
    217: "memcached for itself only",
    218: "rsync with a password",
    219: "Xtigervnc with a password",
    220: "ntpsec as Debian sets it up",
}
