"""Makes the keys, certificates and passwords that secrets are made of."""

from __future__ import annotations

import base64
import json
import secrets
from datetime import UTC, datetime, timedelta

import bcrypt
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from wizara.errors import UsageFault
from wizara.inventory.document import parse
from wizara.inventory.models import Declaration

_AUTHORITY_DAYS = 3650
_SERVER_DAYS = 825
_SKEW = timedelta(hours=1)
"""How far behind a node's clock may be and still accept what was just made."""
_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
"""Nothing that is read for something else on paper: no l, 1, o, 0."""
_ROUNDS = 12


def password() -> str:
    """Return a password of 99 bits that can be dictated: four groups of five."""
    return "-".join("".join(secrets.choice(_LETTERS) for _letter in range(5)) for _group in range(4))


def mailbox(word: str = "") -> str:
    """Return a mailbox's password (*word*, else a new one) and its bcrypt hash, as JSON."""
    word = word or password()
    hashed = bcrypt.hashpw(word.encode(), bcrypt.gensalt(_ROUNDS)).decode()
    return json.dumps({"password": word, "hash": hashed})


def snmp() -> str:
    """Return a community and the passphrases of SNMPv3 as YAML: a device takes those of the version that it is declared to speak."""
    return "".join(f"{name}: {password()}\n" for name in ("community", "authentication", "privacy"))


def signing_key() -> str:
    """Return an RSA key of 2,048 bits (RFC 8301) in PEM, for DKIM."""
    return _pem(rsa.generate_private_key(public_exponent=65537, key_size=2048))


def public_half(key_pem: str) -> str:
    """Return base64 of the DER SubjectPublicKeyInfo of the key in *key_pem* (RFC 6376 ``p=``)."""
    key = serialization.load_pem_private_key(key_pem.encode(), password=None)
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return base64.b64encode(key.public_key().public_bytes(serialization.Encoding.DER, form)).decode()


def _pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def authority(declaration: Declaration) -> str:
    """Return key and certificate of the ministry's own authority (P-256), one after the other in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    organization = (declaration.title.en or declaration.title.fr)[:64]
    name = x509.Name([
        x509.NameAttribute(NameOID.COUNTRY_NAME, declaration.country),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
        x509.NameAttribute(NameOID.COMMON_NAME, f"{declaration.name} authority"),
    ])  # fmt: skip
    builder = _certificate(name, name, key, _AUTHORITY_DAYS)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=True), critical=True)
    signed = builder.sign(key, hashes.SHA256())
    return _pem(key) + signed.public_bytes(serialization.Encoding.PEM).decode()


def server(authority_pem: str, names: tuple[str, ...]) -> str:
    """Return key and certificate of a server that is called *names*, one after the other in PEM."""
    issuer = x509.load_pem_x509_certificate(certificate_of(authority_pem).encode())
    issuer_key = serialization.load_pem_private_key(authority_pem.encode(), password=None)
    assert isinstance(issuer_key, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    # RFC 6125 looks at the alternative names only; a common name longer than 64 is not allowed (RFC 5280)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, min(names, key=len)[:64])])
    builder = _certificate(subject, issuer.subject, key, _SERVER_DAYS)
    alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
    builder = builder.add_extension(alternatives, critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=False), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    own = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    signed = builder.add_extension(own, critical=False).sign(issuer_key, hashes.SHA256())
    return _pem(key) + signed.public_bytes(serialization.Encoding.PEM).decode()


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, days: int
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - _SKEW)
    builder = builder.not_valid_after(now + timedelta(days=days))
    return builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates, key_cert_sign=signs_certificates, crl_sign=signs_certificates,
        content_commitment=False, key_encipherment=False, data_encipherment=False, key_agreement=False,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip


def form(kind: str, text: str) -> str:
    """Return *text*, which a person gave, as a secret of *kind* is kept; ValueError, with the reason, when it is none.

    A mailbox may be given as its new password alone.
    """
    if kind == "mailbox":
        return _mailbox_of(text)
    if kind == "snmp":
        return _snmp_of(text)
    key = serialization.load_pem_private_key(text.encode(), password=None)
    if kind == "dkim":
        if not isinstance(key, rsa.RSAPrivateKey) or key.key_size < 1024:
            raise ValueError("no RSA key of 1,024 bits or more")
        return text
    certificate = x509.load_pem_x509_certificate(certificate_of(text).encode())
    if kind == "authority" and not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("the authority's key is none on an elliptic curve")
    if certificate.public_key() != key.public_key():
        raise ValueError("the certificate is of another key")
    return text


def _snmp_of(text: str) -> str:
    try:
        told = parse(text, "").value
    except UsageFault:
        raise ValueError("no YAML") from None
    if not isinstance(told, dict) or not told or set(told) - {"community", "authentication", "privacy"}:
        raise ValueError("community, authentication and privacy are its keys")
    if any(not isinstance(word, str) or not word.strip() for word in told.values()):
        raise ValueError("each key has a word")
    return text


def _mailbox_of(text: str) -> str:
    word = text.strip("\r\n")
    if not word.lstrip().startswith("{"):
        if len(word.encode()) > 72 or not word.isprintable() or len(word) < 12:
            raise ValueError("a password has 12 to 72 characters on one line")
        return mailbox(word)
    told = json.loads(word)
    if not bcrypt.checkpw(told["password"].encode(), told["hash"].encode()):
        raise ValueError("the hash is of another password")
    return text


def essence(kind: str | None, text: str) -> frozenset[str]:
    """Return what somebody knows who has read *text*, a secret of *kind*: a new hash or certificate around it renews nothing."""
    try:
        if kind == "mailbox":
            return frozenset({str(json.loads(text)["password"])})
        if kind == "snmp":
            told = parse(text, "").value
            return frozenset(map(str, told.values() if isinstance(told, dict) else ()))
        if kind is not None:
            return frozenset({public_half(text)})
    except (ValueError, KeyError, TypeError, UsageFault, UnsupportedAlgorithm):
        pass  # of another form than today's
    return frozenset({text})


def certificate_of(bundle: str) -> str:
    """Return the certificate in a bundle of key and certificate, as ``enrolled.yaml`` holds it."""
    start = bundle.index("-----BEGIN CERTIFICATE-----")
    return bundle[start:].strip()


def is_outdated(bundle: str, authority: str) -> bool:
    """Say whether the certificate in *bundle* names the ministry's *authority* as its issuer and was signed by an earlier key of it."""
    issuer = x509.load_pem_x509_certificate(authority.encode())
    own = x509.load_pem_x509_certificate(certificate_of(bundle).encode())
    if own.issuer != issuer.subject:
        return False  # of somebody else's authority, on purpose
    try:
        own.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return True
    return False
