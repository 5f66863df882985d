"""Where webhooks may go: to the public Internet over https, never into our own network (OWASP: SSRF).

The name is resolved when the message is sent and the connection made to the very address that was checked, so that a
name cannot be turned to another address in between. Redirects are not followed.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

MAX_URL = 1000
_PORTS = (443, 8443)


class Forbidden(ValueError):
    """The address is none that we call."""


def problem_with(url: str) -> str:
    """Return why a URL cannot be subscribed, as far as its text tells; "" when nothing speaks against it."""
    try:
        _checked(url)
    except Forbidden as error:
        return str(error)
    return ""


def connect(url: str, timeout_s: float) -> tuple[http.client.HTTPConnection, str]:
    """Return a connection to an address of the URL that was checked, and the path to ask for.

    Raises Forbidden for an address that is not public, OSError where there is none or it does not answer.
    """
    parts = _checked(url)
    assert parts.hostname is not None, "checked"
    port = parts.port or (443 if parts.scheme == "https" else 80)
    found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    addresses = [str(entry[4][0]) for entry in found]
    if not addresses or not all(_may_call(address) for address in addresses):
        raise Forbidden(f"{parts.hostname} leads to an address that is not public")
    target = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
    if parts.scheme == "https":
        return _PinnedHTTPS(parts.hostname, port, addresses[0], timeout_s), target
    return http.client.HTTPConnection(addresses[0], port, timeout=timeout_s), target


class _PinnedHTTPS(http.client.HTTPSConnection):
    """Speaks to one address, and expects there the certificate of the name."""

    def __init__(self, host: str, port: int, address: str, timeout_s: float) -> None:
        self._tls = ssl.create_default_context()
        self._address = address
        super().__init__(host, port, timeout=timeout_s, context=self._tls)

    def connect(self) -> None:
        plain = socket.create_connection((self._address, self.port), self.timeout)
        try:
            self.sock = self._tls.wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise


def _checked(url: str) -> SplitResult:
    if len(url) > MAX_URL or not url.isascii() or not url.isprintable() or " " in url:
        raise Forbidden(f"must be at most {MAX_URL} printable ASCII characters")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Forbidden("is no URL") from None
    if not parts.hostname or parts.username is not None or parts.password is not None or parts.fragment:
        raise Forbidden("must name a host, and neither a user nor a fragment")
    if parts.scheme == "http" and _loopback_allowed() and _is_loopback(parts.hostname):
        return parts
    if parts.scheme != "https":
        raise Forbidden("must begin with https://")
    if port is not None and port not in _PORTS:
        raise Forbidden(f"must use one of the ports {', '.join(map(str, _PORTS))}")
    try:
        literal = ipaddress.ip_address(parts.hostname)
    except ValueError:
        return parts
    if not _may_call(str(literal)):
        raise Forbidden("must lead to a public address")
    return parts


def _may_call(address: str) -> bool:
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and (inner := ip.ipv4_mapped or ip.sixtofour) is not None:
        ip = inner
    if ip.is_loopback:
        return _loopback_allowed()
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _loopback_allowed() -> bool:
    """Only tests and people who try webhooks out on one machine set this."""
    return bool(getattr(settings, "KARNET_WEBHOOKS_TO_LOOPBACK", False))
