"""The two Debian trees that the corpus's daemons run in: packages of Debian only, nothing on the computer itself."""

from __future__ import annotations

from pathlib import Path

from wizara.lab.roots import Recipe, ensure_recipe

_BASE = ("ca-certificates", "iproute2", "netbase", "procps")
FIRST = (
    *_BASE, "openssh-server", "openssl", "inetutils-telnetd", "openbsd-inetd", "rsh-redone-server", "fingerd", "vsftpd",
    "tftpd-hpa", "dovecot-pop3d", "dovecot-imapd", "tigervnc-standalone-server", "xvfb", "snmpd", "samba", "nfs-ganesha",
    "nfs-ganesha-mem", "rpcbind", "rsync", "slapd", "redis-server", "memcached", "mosquitto", "postgresql",
    "lldpd", "mariadb-server", "dnsmasq-base", "bind9", "ntpsec", "postfix", "radvd", "nginx-light", "nmap", "arping",
)  # fmt: skip
#: Daemons that Debian does not let stand beside those: the same weaknesses of another make.
OTHER = (
    *_BASE, "dropbear-bin", "gnutls-bin", "pure-ftpd", "atftpd", "unbound", "chrony", "exim4-daemon-light", "apache2",
    "lighttpd", "x11vnc", "xvfb", "courier-pop", "courier-imap", "efingerd",
)  # fmt: skip
RECIPES = {
    "first": Recipe("corpus", "bookworm", FIRST, 190_000_000),
    "other": Recipe("corpus-other", "bookworm", OTHER, 90_000_000),
}


def trees() -> dict[str, Path]:
    """Return both trees, built now unless this week's are cached."""
    return {name: ensure_recipe(recipe, lambda _who, _what: None) for name, recipe in RECIPES.items()}


if __name__ == "__main__":
    print(trees())
