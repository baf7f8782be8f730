"""Mail protocols over connections that a place makes: SMTP and IMAP with TLS that is always verified."""

from __future__ import annotations

import imaplib
import smtplib
import socket
import ssl
from types import TracebackType

from wizara.engine.ground import Place

_SECONDS = 20
_CONNECT = 8


class Submission(smtplib.SMTP):
    """An SMTP conversation from *place*; *server_name* is what the certificate must say."""

    def __init__(self, place: Place, address: str, port: int, server_name: str) -> None:
        self._place = place
        super().__init__(local_hostname="verify.invalid", timeout=_SECONDS)
        self.connect(address, port)
        self._host = server_name  # what STARTTLS verifies the certificate against

    def _get_socket(self, host: str, port: int, timeout: float | None) -> socket.socket:
        connection = self._place.connect(host, port, _CONNECT)
        connection.settimeout(_SECONDS)
        return connection

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take leave; after a fault only close, for the answer to another command would come as a fault of its own in its place."""
        if kind is None:
            super().__exit__(kind, fault, trace)
        else:
            self.close()


class Mailbox(imaplib.IMAP4):
    """An IMAP conversation over TLS from *place*."""

    def __init__(self, place: Place, address: str, port: int, server_name: str, context: ssl.SSLContext) -> None:
        self._place, self._context, self._name = place, context, server_name
        super().__init__(address, port, timeout=_SECONDS)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        connection = self._place.connect(self.host, self.port, _CONNECT)
        connection.settimeout(_SECONDS)
        return self._context.wrap_socket(connection, server_hostname=self._name)

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take leave; after a fault only close, as a submission does."""
        if kind is None:
            super().__exit__(kind, fault, trace)
        else:
            self.shutdown()


def context(authority: str | None) -> ssl.SSLContext:
    """Return TLS settings that trust the ministry's own authority, and nobody else."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    if authority:
        made.load_verify_locations(cadata=authority)
    return made
