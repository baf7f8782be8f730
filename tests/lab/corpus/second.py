"""Hosts with cryptography, databases and pages, of both trees; and the ones of another make."""

from __future__ import annotations

from collections.abc import Mapping

from corpus.first import INETD, WAIT, Host
from corpus.papers import Authority

_SSHD = (
    "Port 22", "HostKey /etc/ssh/k_ed25519", "PasswordAuthentication no", "KbdInteractiveAuthentication no", "UsePAM no",
    "PidFile none",
)  # fmt: skip
_MODERN = (
    "KexAlgorithms curve25519-sha256,curve25519-sha256@libssh.org,sntrup761x25519-sha512@openssh.com", "Ciphers aes256-gcm@openssh.com,aes256-ctr",
    "MACs hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com", "HostKeyAlgorithms ssh-ed25519",
)  # fmt: skip


def sshd(*changed: str) -> Host:
    """A hardened sshd, but for what is *changed*: the first line of a name counts."""
    script = (
        "mkdir -p /run/sshd; ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/k_ed25519; ssh-keygen -q -t rsa -b 2048 -N '' -f /etc/ssh/k_rsa;"
        " exec /usr/sbin/sshd -D -e -f /sshd.conf"
    )
    return "first", {"sshd.conf": "\n".join((*changed, *_SSHD, *_MODERN)) + "\n"}, script


def _default_login() -> Host:
    tree, files, script = sshd("PasswordAuthentication yes", "UsePAM no")
    return tree, files, "useradd -m admin; echo admin:admin | chpasswd; " + script


def s_server(papers: Mapping[str, str | bytes], *options: str) -> Host:
    """A TLS server that speaks 1.2 and 1.3 with good suites, but for its *options*."""
    usual = options or ("-no_tls1", "-no_tls1_1", "-cipher", "ECDHE+AESGCM")
    line = ("openssl", "s_server", "-accept", "443", "-key", "/key.pem", "-cert", "/crt.pem", "-www", "-quiet", *usual)
    return "first", papers, "exec " + " ".join(line)


def nginx(body: str, papers: Mapping[str, str | bytes] | None = None, files: Mapping[str, str] | None = None) -> Host:
    conf = (
        "user www-data; worker_processes 1; daemon off; pid /run/n.pid; error_log stderr; events { }\n"
        "http { access_log off; root /srv/web; server { " + body + " } }\n"
    )
    content = {"n.conf": conf, "srv/web/index.html": "<title>Accueil</title>Bonjour", **(files or {}), **(papers or {})}
    return "first", content, "chmod -R a+rX /srv; exec nginx -c /n.conf"


TLS = "listen 443 ssl; ssl_certificate /crt.pem; ssl_certificate_key /key.pem; ssl_protocols TLSv1.2 TLSv1.3; ssl_ciphers ECDHE+AESGCM:ECDHE+CHACHA20;"
_HTPASSWD = "a:$apr1$x$gJVPCQMYoNbOlKVjmbNr/1\n"
_HISTORY = {"srv/web/.git/HEAD": "ref: refs/heads/main\n"}
_LIST = {"srv/web/notes.txt": "x"}
_POSTGRES = (
    "mkdir -p /run/postgresql; chown postgres /run/postgresql; cd /tmp; V=$(ls /usr/lib/postgresql); D=/var/lib/postgresql/x;"
    " cp /pg_hba.conf /tmp/hba; chmod 644 /tmp/hba; chown postgres /var/lib/postgresql;"
    ' setpriv --reuid postgres --regid postgres --clear-groups sh -c "/usr/lib/postgresql/$V/bin/initdb -N -D $D -A trust >/dev/null;'
    " exec /usr/lib/postgresql/$V/bin/postgres -D $D -c listen_addresses='*' -c hba_file=/tmp/hba -c fsync=off -c shared_buffers=4MB\""
)
_MARIADB = (
    "mkdir -p /run/mysqld /db; chown mysql /run/mysqld /db; mariadb-install-db --no-defaults --user=mysql --datadir=/db"
    " --auth-root-authentication-method=normal --skip-test-db >/dev/null; printf '%s\\n' \"CREATE USER root@'%' IDENTIFIED BY '';\" \"GRANT ALL ON *.* TO root@'%';\" > /db/i.sql;"
    " exec mariadbd --no-defaults --user=mysql --datadir=/db --bind-address=0.0.0.0 --init-file=/db/i.sql --socket=/run/mysqld/s --skip-name-resolve"
)
#: Signed by another key than its own, so that the signature alone is at fault.
_SHA1 = (
    "openssl req -x509 -newkey rsa:2048 -nodes -keyout /ca.key -out /ca.crt -subj /CN=CA 2>/dev/null;"
    " openssl req -newkey rsa:2048 -nodes -keyout /key.pem -out /r.csr -subj /CN=c.min.test 2>/dev/null;"
    " openssl x509 -req -sha1 -days 300 -in /r.csr -CA /ca.crt -CAkey /ca.key -CAcreateserial -out /crt.pem 2>/dev/null; exec openssl s_server"
    " -accept 443 -key /key.pem -cert /crt.pem -www -quiet -no_tls1 -no_tls1_1 -cipher ECDHE+AESGCM:@SECLEVEL=0"
)
_EXIM = """primary_hostname = courrier.min.test
acl_smtp_rcpt = open
daemon_smtp_ports = 25
log_file_path = /tmp/exim-%s
begin acl
open:
 accept
begin routers
hold:
 driver = accept
 transport = drop
begin transports
drop:
 driver = appendfile
 file = /dev/null
 user = mail
"""
_LIGHTTPD = 'server.modules = ( "mod_dirlisting", "mod_auth", "mod_authn_file" )\nserver.document-root = "/srv/web"\nserver.port = %d\n%s\n'
_APACHE = (
    "ServerName x\nPidFile /run/a.pid\nListen %s\nLoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so\n"
    "LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so\nLoadModule autoindex_module /usr/lib/apache2/modules/mod_autoindex.so\n"
    "LoadModule dir_module /usr/lib/apache2/modules/mod_dir.so\nLoadModule ssl_module /usr/lib/apache2/modules/mod_ssl.so\nUser www-data\nGroup www-data\n"
    "ErrorLog /dev/stderr\nDocumentRoot /srv/web\n<Directory /srv/web>\nOptions %s\nRequire all granted\n</Directory>\n%s\n"
)


def _apache(listen: str, options: str, more: str, files: Mapping[str, str | bytes]) -> Host:
    script = "chmod -R a+rX /srv; exec apache2 -f /a.conf -DFOREGROUND"
    return "other", {"a.conf": _APACHE % (listen, options, more), **files}, script


def hosts(authority: Authority) -> dict[int, Host]:
    """Return the hosts with cryptography, databases and pages."""
    return _weak(authority) | _of_another_make(authority) | _hardened(authority)


def _weak(authority: Authority) -> dict[int, Host]:
    shared = authority.key()
    papers = authority.papers
    return {
        18: nginx('listen 80; auth_basic "Bureau"; auth_basic_user_file /ht;', files={"ht": _HTPASSWD}),
        40: sshd("KexAlgorithms diffie-hellman-group1-sha1,curve25519-sha256"),
        41: sshd("Ciphers aes128-cbc,3des-cbc,aes256-ctr"),
        42: sshd("MACs hmac-md5,hmac-sha2-256-etm@openssh.com"),
        43: sshd("HostKey /etc/ssh/k_rsa", "HostKeyAlgorithms ssh-rsa"),
        26: _default_login(),
        44: sshd("PermitRootLogin yes", "PasswordAuthentication yes"),
        45: s_server(papers("a.min.test"), "-tls1", "-cipher", "ECDHE-RSA-AES128-SHA:@SECLEVEL=0"),
        46: s_server(papers("b.min.test", authority.key(1024)), "-no_tls1", "-no_tls1_1", "-cipher", "ECDHE+AESGCM:@SECLEVEL=0"),
        47: ("first", {}, _SHA1),
        48: s_server(papers("d.min.test", days=-5)),
        49: s_server(papers("e.min.test", days=10)),
        50: nginx(TLS + " return 301 https://portail.min.test/;", papers("ancien.min.test")),
        51: s_server(papers("f.min.test", alone=True)),
        53: s_server(papers("g.min.test"), "-tls1_2", "-cipher", "ECDHE-RSA-AES256-GCM-SHA384:NULL-SHA256:@SECLEVEL=0"),
        55: s_server(papers("h.min.test", shared)),
        56: s_server(papers("i.min.test", shared)),
        57: ("first", {}, "exec redis-server --port 6379 --protected-mode no --save ''"),
        58: ("first", {}, "exec memcached -u nobody -l 0.0.0.0 -U 0"),
        59: ("first", {}, "exec memcached -u nobody -l 0.0.0.0 -U 11211"),
        60: ("first", {"m.conf": "listener 1883\nallow_anonymous true\n"}, "exec mosquitto -c /m.conf"),
        61: ("first", {"pg_hba.conf": "host all all 0.0.0.0/0 trust\n"}, _POSTGRES),
        62: ("first", {}, _MARIADB),
        79: nginx("listen 80;", files=_HISTORY),
        80: nginx("listen 80; autoindex on; index none;", files=_LIST),
    }  # fmt: skip


def _of_another_make(authority: Authority) -> dict[int, Host]:
    papers = authority.papers
    return {
        101: ("other", {}, "useradd -m ftp 2>/dev/null; exec pure-ftpd -e -S 2121 -H"),
        103: ("other", {}, "exec dropbear -F -E -R -s -p 22"),
        104: ("other", {"u.conf": 'server:\n interface: 0.0.0.0\n access-control: 0.0.0.0/0 allow\n chroot: ""\n username: ""\n use-syslog: no\n pidfile: ""\n'}, "exec unbound -d -c /u.conf"),
        105: ("other", {"e.conf": _EXIM}, "mkdir -p /run/exim4; exec exim4 -C /e.conf -bdf"),
        106: _apache("80", "+Indexes", "", {**_HISTORY, **_LIST}),
        107: ("other", {"l.conf": _LIGHTTPD % (8090, 'dir-listing.activate = "enable"'), **_LIST}, "chmod -R a+rX /srv; exec lighttpd -D -f /l.conf"),
        108: ("other", papers("j.min.test"), "exec gnutls-serv --http -p 443 --x509keyfile /key.pem --x509certfile /crt.pem --priority NORMAL:-VERS-ALL:+VERS-TLS1.0:+VERS-TLS1.1:+VERS-TLS1.2:-3DES-CBC:-ARCFOUR-128:%COMPAT"),
        109: ("other", {"srv/tftp/config.cfg": "snmp community x\n"}, "chmod -R a+rX /srv; exec atftpd --daemon --no-fork --logfile - /srv/tftp"),
        111: ("other", {}, "mkdir -p /tmp/.X11-unix; Xvfb :3 -screen 0 64x64x16 & sleep 1; exec x11vnc -display :3 -forever -shared -nopw -rfbport 5901 -quiet"),
        113: ("other", {"l.conf": _LIGHTTPD % (8000, 'auth.backend = "plain"\nauth.backend.plain.userfile = "/p"\nauth.require = ( "/" => ( "method" => "basic", "realm" => "Archives", "require" => "valid-user" ) )'), "p": "a:b\n", **_LIST}, "chmod -R a+rX /srv; exec lighttpd -D -f /l.conf"),
        117: ("other", {"i.conf": "finger stream tcp nowait nobody /usr/sbin/efingerd efingerd\n", "etc/efingerd/list": "#!/bin/sh\necho aucun\n"}, "chmod 755 /etc/efingerd/list; " + INETD),
        118: _apache("8443", "-Indexes", "SSLEngine on\nSSLCertificateFile /crt.pem\nSSLCertificateKeyFile /key.pem\nSSLProtocol -all +TLSv1.2 +TLSv1.3\nSSLCipherSuite ECDHE+AESGCM", {"srv/web/index.html": "Bonjour", **papers("k.min.test", alone=True)}),
    }  # fmt: skip


def _hardened(authority: Authority) -> dict[int, Host]:
    papers = authority.papers
    return {
        201: sshd(),
        202: nginx(TLS, papers("www.min.test")),
        207: ("other", {"c.conf": "local stratum 10\nallow all\ncmdport 0\nport 123\n"}, "mkdir -p /run/chrony; exec chronyd -d -x -u root -f /c.conf"),
        209: ("first", {}, "exec sleep infinity"),
        212: ("first", {}, "exec redis-server --port 6379 --protected-mode no --requirepass long-and-secret --save ''"),
        213: ("first", {"m.conf": "listener 1883\nallow_anonymous false\n"}, "exec mosquitto -c /m.conf"),
        216: ("first", {"pg_hba.conf": "host all all 0.0.0.0/0 scram-sha-256\n"}, _POSTGRES),
        217: ("first", {}, "exec memcached -u nobody -l 127.0.0.1 -U 0" + WAIT.replace("exec sleep infinity", "")),
    }  # fmt: skip
