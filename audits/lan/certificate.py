"""What an X.509 certificate that was shown on a LAN says; read on the auditor's side, never on the node that saw it."""

from __future__ import annotations

import hashlib
import warnings
from datetime import UTC

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from pydantic import JsonValue

from wizara.audit.orders import Facts
from wizara.audit.untrusted import untrusted


def facts_of(der: bytes) -> Facts:
    """Return subject, names, issuer, dates (ISO 8601), key and signature of a certificate."""
    facts: Facts = {"sha256": hashlib.sha256(der).hexdigest()}
    with warnings.catch_warnings(
        action="ignore"
    ):  # what is odd about it is told as a fact, not on the operator's terminal
        return facts | _read(der)


def _read(der: bytes) -> Facts:
    facts: Facts = {}
    try:
        certificate = x509.load_der_x509_certificate(der)
        facts |= {
            "subject": untrusted(certificate.subject.rfc4514_string()),
            "issuer": untrusted(certificate.issuer.rfc4514_string()),
            "not_before": certificate.not_valid_before_utc.astimezone(UTC).isoformat(),
            "not_after": certificate.not_valid_after_utc.astimezone(UTC).isoformat(),
            "signature": _signature(certificate),
            "names": _names(certificate),
            "self_signed": _by_itself(certificate),
            "public_key": hashlib.sha256(_public_key(certificate)).hexdigest(),
        }
        facts |= _key(certificate)
    except ValueError as fault:
        facts["fault"] = untrusted(str(fault))
    return facts


def _public_key(certificate: x509.Certificate) -> bytes:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return certificate.public_key().public_bytes(serialization.Encoding.DER, form)


def _by_itself(certificate: x509.Certificate) -> bool:
    """Say whether the key that it holds signed it."""
    try:
        certificate.verify_directly_issued_by(certificate)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _signature(certificate: x509.Certificate) -> str:
    algorithm = certificate.signature_hash_algorithm
    return algorithm.name if algorithm else "none"


def _names(certificate: x509.Certificate) -> list[JsonValue]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return []
    return [untrusted(name) for name in names.get_values_for_type(x509.DNSName)[:20]]


def _key(certificate: x509.Certificate) -> Facts:
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey | dsa.DSAPublicKey):
        return {"key": "rsa" if isinstance(key, rsa.RSAPublicKey) else "dsa", "key_bits": key.key_size}
    if isinstance(key, ec.EllipticCurvePublicKey):
        return {"key": "ec", "key_bits": key.key_size}
    return {"key": type(key).__name__.lower().strip("_")}
