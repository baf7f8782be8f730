"""Certificates of the corpus: an authority's good ones, and bad ones that differ from them in one thing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

Files = dict[str, str | bytes]
_NOW = datetime.now(UTC)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


class Authority:
    """Issues certificates, good or bad."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(65537, 2048)
        self.good = self.key()

    @staticmethod
    def key(bits: int = 2048) -> rsa.RSAPrivateKey:
        """Return a new key."""
        return rsa.generate_private_key(65537, bits)

    def papers(
        self,
        name: str,
        key: rsa.RSAPrivateKey | None = None,
        *,
        days: int = 365,
        alone: bool = False,
    ) -> Files:
        """Return /key.pem and /crt.pem for *name*; *alone*: signed by itself."""
        key = key or self.key()
        end = _NOW + timedelta(days=days)
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(name))
            .issuer_name(_name(name if alone else "Corpus CA"))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(end - timedelta(days=700))
            .not_valid_after(end)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        )
        issued = builder.sign(key if alone else self._key, hashes.SHA256())
        secret = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
        shown = issued.public_bytes(serialization.Encoding.PEM)
        return {"key.pem": secret, "crt.pem": shown, "both.pem": secret + shown}
