"""The closed types of declared data: a value that passed one of these can go into a command or a file unquoted."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Network
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    model_validator,
)
from pydantic_core import CoreSchema, core_schema

from wizara.text import N_

Language = Literal["fr", "ar", "en"]
Release = Literal["bookworm", "trixie"]


@dataclass(frozen=True)
class _Matching:
    """Refuses a text that does not match as a whole; the pattern is in the JSON Schema too."""

    pattern: str
    expectation: str

    def __call__(self, value: str) -> str:
        if not re.fullmatch(self.pattern, value, re.ASCII):
            raise ValueError(self.expectation)
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(schema), "pattern": f"^(?:{self.pattern})$"}


_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"

#: A name of a site, node, LAN, person…: one lower-case DNS label that starts with a letter (RFC 1123).
Name = Annotated[
    str,
    _Matching(r"[a-z](?:[a-z0-9-]{0,30}[a-z0-9])?", N_("should be 1 to 32 of a-z, 0-9 and -, starting with a letter")),
]
#: A network interface as Linux names it: at most 15 bytes.
InterfaceName = Annotated[
    str, _Matching(r"[a-z][a-zA-Z0-9_.-]{0,14}", N_("should be an interface name of at most 15 characters"))
]
#: A domain name of at least two labels, lower case, without the closing dot.
Fqdn = Annotated[
    str,
    Field(max_length=253),
    _Matching(rf"{_LABEL}(?:\.{_LABEL})+", N_("should be a domain name such as mps.gov.test")),
]
#: The part of a mail address before the @.
LocalPart = Annotated[
    str,
    _Matching(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?", N_("should be the part of a mail address before the @")),
]
#: A MAC address, six pairs, kept in lower case.
Mac = Annotated[
    str,
    _Matching(r"[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){5}", N_("should be a MAC address such as 52:54:00:12:34:56")),
    AfterValidator(str.lower),
]
_KEY_TYPE = r"(?:ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521)|sk-ssh-ed25519@openssh\.com)"
_KEY_REST = r"[A-Za-z0-9+/]{43,}={0,2}(?: [A-Za-z0-9_@.+-]{1,64})?"


def _whole_key(value: str) -> str:
    """Refuse what only looks like a key: the kind stands within the key once more, with its length (RFC 4253 §6.6)."""
    kind, blob = value.split(" ")[:2]
    try:
        whole = base64.b64decode(blob, validate=True)
    except ValueError:
        whole = b""
    if not whole.startswith(len(kind).to_bytes(4, "big") + kind.encode()):
        raise ValueError(N_("should be one OpenSSH public key"))
    return value


#: One OpenSSH public key, ``type base64 [comment]``.
SshPublicKey = Annotated[
    str, _Matching(rf"{_KEY_TYPE} {_KEY_REST}", N_("should be one OpenSSH public key")), AfterValidator(_whole_key)
]
#: An age or ssh-ed25519 recipient of secrets.
Recipient = Annotated[
    str,
    _Matching(
        rf"age1[0-9a-z]{{58}}|ssh-ed25519 {_KEY_REST}",
        N_("should be an age recipient (age1…) or an ssh-ed25519 public key"),
    ),
]
#: A WireGuard public key: 32 bytes in base64.
WireguardKey = Annotated[
    str, _Matching(r"[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=", N_("should be a WireGuard key (44 characters)"))
]
#: A certificate in PEM.
Certificate = Annotated[
    str,
    _Matching(
        r"-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+\n-----END CERTIFICATE-----",
        N_("should be one certificate in PEM"),
    ),
]


#: Global unicast and unique local addresses (RFC 4291, RFC 4193).
_ROUTED6 = (IPv6Network("2000::/3"), IPv6Network("fc00::/7"))


def _plain6(value: IPv6Address) -> IPv6Address:
    if value.scope_id is not None:  # Python takes any text for one, and writes it wherever the address stands
        raise ValueError(N_("should be an IPv6 address without % and an interface"))
    return value


def _lan6(value: IPv6Network) -> IPv6Network:
    _plain6(value.network_address)
    if value.prefixlen != 64 or not any(value.subnet_of(routed) for routed in _ROUTED6):
        raise ValueError(N_("should be a /64 of unique local (fd…) or global addresses"))
    return value


#: An IPv6 address of a machine, of no interface: it stands in zones and filters of other machines.
Address6 = Annotated[IPv6Address, AfterValidator(_plain6)]
#: The IPv6 network of a LAN: a /64, as address configuration wants it (RFC 4862).
LanNetwork6 = Annotated[IPv6Network, AfterValidator(_lan6)]
#: An HTTP address of a package mirror or proxy.
HttpUrl = Annotated[
    str,
    _Matching(
        r"https?://[a-z0-9.-]+(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~/-]*)?",
        N_("should be an http:// or https:// address"),
    ),
]


def _digits(value: object) -> object:
    """Refuse what Python reads as a number and YAML 1.2 does not, such as ``1_000``."""
    if isinstance(value, str) and not (value.isascii() and value.isdigit()):
        raise ValueError(N_("should be a whole number"))
    return value


Port = Annotated[int, Field(ge=1, le=65535), BeforeValidator(_digits)]
Vlan = Annotated[int, Field(ge=1, le=4094), BeforeValidator(_digits)]
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def _printable(value: str) -> str:
    if _CONTROL.search(value):
        raise ValueError(N_("should hold no line break, control or invisible character"))
    return value


#: One line of human text: no control, bidi or invisible characters.
Line = Annotated[str, Field(min_length=1, max_length=300), AfterValidator(_printable)]


class Model(BaseModel):
    """What every declared model is: frozen, and closed to unknown keys."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", str_strip_whitespace=True, populate_by_name=True, use_attribute_docstrings=True
    )


class Titles(Model):
    """The same words in each language; at least French."""

    fr: Line
    en: Line | None = None
    ar: Line | None = None

    def in_(self, language: str) -> str:
        """Return the words in *language*, else in French."""
        return getattr(self, language, None) or self.fr


class Service(Model):
    """One port that is served or reached: written ``tcp/443`` or ``udp/53``."""

    protocol: Literal["tcp", "udp"]
    port: Port

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: object) -> object:
        if isinstance(value, str):
            protocol, slash, port = value.partition("/")
            if not slash or protocol not in {"tcp", "udp"} or not port.isascii() or not port.isdigit():
                raise ValueError(N_("should be written tcp/443 or udp/53"))
            return {"protocol": protocol, "port": port}
        return value

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Describe it as people write it; the mapping is for programs only."""
        return {"type": "string", "pattern": "^(?:tcp|udp)/[0-9]{1,5}$", "examples": ["tcp/443"]}

    def __str__(self) -> str:
        return f"{self.protocol}/{self.port}"


__all__ = [
    "Address6",
    "Certificate",
    "Fqdn",
    "HttpUrl",
    "IPv4Address",
    "IPv4Interface",
    "IPv4Network",
    "InterfaceName",
    "LanNetwork6",
    "Language",
    "Line",
    "LocalPart",
    "Mac",
    "Model",
    "Name",
    "Port",
    "Recipient",
    "Release",
    "Service",
    "SshPublicKey",
    "Titles",
    "Vlan",
    "WireguardKey",
]
