"""The ministry's mail system: submission, DKIM, delivery and IMAP over TLS, on Debian's own packages."""

from __future__ import annotations

from wizara.blueprint.models import MailPlan
from wizara.inventory.required import dashed
from wizara.inventory.secrets import part_of
from wizara.operations import directory, file, login, packages, secret, template, this_node, unit

_POSTFIX = tuple(f"/etc/postfix/{name}" for name in ("main.cf", "master.cf", "mailboxes", "aliases", "senders"))
_DOVECOT = ("/etc/dovecot/dovecot.conf", "/etc/dovecot/users")
_CERTIFICATE = "/etc/ssl/wizara/mail.pem"
_LOCAL = "/etc/rspamd/local.d"
#: Filters that ask the internet, or a Redis that is not here: switched off, or each mail would wait for them.
_QUIET = ("rbl", "fuzzy_check", "asn", "phishing", "neural", "mx_check", "greylist", "ratelimit", "replies", "history_redis",
          "url_redirector",
          "external_services",
          "hfilter", "bayes_expiry", "spamtrap", "reputation", "known_senders")  # fmt: skip
_SIGNING = tuple(f"{_LOCAL}/{name}" for name in ("dkim_signing.conf", "options.inc", "worker-proxy.inc"))
#: A first start compiles its patterns for up to a minute on a small machine.
_WAIT = 'i=0; until ss -Hltn "sport = :{port}" | grep -q .; do i=$((i+1)); [ $i -lt 360 ] || exit 1; sleep 0.5; done'
#: Judges the new main.cf in a copy of the folder: unknown parameters are warnings, and a warning refuses it.
_CHECK_MAIN = """set -e; d=$(mktemp -d); trap 'rm -rf "$d"' EXIT; cp "$1" "$d/main.cf"
[ ! -e /etc/postfix/master.cf ] || cp /etc/postfix/master.cf "$d/"; touch "$d/master.cf"
said=$(postconf -c "$d" -n 2>&1 >/dev/null); [ -z "$said" ] || { echo "$said"; exit 1; }"""


def install() -> None:
    """Install Postfix, Dovecot and rspamd."""
    packages(name="Mail system", names=("postfix", "dovecot-imapd", "dovecot-lmtpd", "rspamd"))


def configure() -> None:
    """Write the mail system's files and keys."""
    mail = this_node().mail
    assert mail is not None
    login(name="Owner of the mailboxes", name_="vmail", comment="mailboxes", home="/var/vmail")
    directory(name="Mailboxes", path="/var/vmail", owner="vmail", group="vmail", mode="700")
    directory(name="Certificates", path="/etc/ssl/wizara", mode="700")
    file(
        name="Mail server's certificate and key",
        path=_CERTIFICATE,
        content=secret(f"{this_node().name}-tls"),
        mode="600",
    )
    _postfix(mail)
    _dovecot(mail)
    _rspamd(mail)


def _postfix(mail: MailPlan) -> None:
    values = {"mail": mail, "postmaster": mail.mailboxes[0].local}
    template("Postfix", "mail/main.cf.j2", "/etc/postfix/main.cf", values, check=_CHECK_MAIN)
    for name in ("master.cf", "mailboxes", "aliases", "senders"):
        template(f"Postfix {name}", f"mail/{name}.j2", f"/etc/postfix/{name}", values)


def _dovecot(mail: MailPlan) -> None:
    dialect = {"bookworm": "2.3", "trixie": "2.4"}[this_node().release]
    template("Dovecot", f"mail/dovecot-{dialect}.conf.j2", "/etc/dovecot/dovecot.conf", {"mail": mail},
             check='doveconf -c "$1" -n > /dev/null')  # fmt: skip
    names = {box.local: f"mailbox-{dashed(box.local)}" for box in mail.mailboxes}
    hashes = {local: part_of(secret(name), name, "hash") for local, name in names.items()}
    template("Mailbox passwords", "mail/users.j2", "/etc/dovecot/users", {"mail": mail, "hashes": hashes},
             group="dovecot", mode="640", secret=True)  # fmt: skip


def _rspamd(mail: MailPlan) -> None:
    values = {"mail": mail, "node": this_node()}
    for path in _SIGNING:
        name = path.rpartition("/")[2]
        template(f"rspamd {name}", f"mail/{name}.j2", path, values)
    for module in _QUIET:
        file(
            name=f"rspamd without {module}",
            path=f"{_LOCAL}/{module}.conf",
            content="# written by wizara\nenabled = false;\n",
        )
    directory(name="DKIM keys", path="/var/lib/rspamd/dkim", owner="_rspamd", group="_rspamd", mode="700")
    for domain in mail.domains:
        key = secret(f"dkim-{dashed(domain)}")
        file(
            name=f"DKIM key of {domain}",
            path=f"/var/lib/rspamd/dkim/{domain}.key",
            content=key,
            owner="_rspamd",
            group="_rspamd",
            mode="600",
        )


def activate() -> None:
    """Start the filter first: Postfix puts every mail off while it does not answer."""
    quiet = tuple(f"{_LOCAL}/{module}.conf" for module in _QUIET)
    unit(
        name="Mail filter answers",
        unit_name="rspamd.service",
        files=(*_SIGNING, *quiet),
        ready=_WAIT.format(port=11332),
    )
    unit(
        name="Postfix answers",
        unit_name="postfix.service",
        files=(*_POSTFIX, _CERTIFICATE),
        ready=_WAIT.format(port=587),
    )
    unit(
        name="Dovecot answers",
        unit_name="dovecot.service",
        files=(*_DOVECOT, _CERTIFICATE),
        ready=_WAIT.format(port=993),
    )
