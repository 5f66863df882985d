"""Certificates that hub nodes make for themselves; members pin them by the fingerprint in their invitation."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from karnet.federation.membership.fingerprints import fingerprint

LIFE = timedelta(days=3650)
"""Pinned certificates are replaced by a new invitation, never by surprise in a season."""

_LONGEST_NAME = 64


class Certificate(NamedTuple):
    """A certificate and its private key, both PEM. The key is secret."""

    pem: bytes
    key_pem: bytes


def make_certificate(name: str, hosts: Sequence[str], at: datetime) -> Certificate:
    """Return a new self-signed certificate (ECDSA P-256) for a hub's nodes, valid for ten years from a day before `at`.

    `hosts`: names or IP addresses that members call it by.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:_LONGEST_NAME])])
    made = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - timedelta(days=1))  # Clocks of members may be behind.
        .not_valid_after(at + LIFE)
        .add_extension(x509.SubjectAlternativeName([_host(host) for host in dict.fromkeys(hosts)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return Certificate(
        made.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )


def certificate_fingerprint(pem: bytes) -> str:
    """Return the SHA-256 (hex) of a certificate's DER: what invitations pin. Raises ValueError for anything else."""
    return fingerprint(x509.load_pem_x509_certificate(pem).public_bytes(serialization.Encoding.DER))


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host.strip("[]")))
    except ValueError:
        return x509.DNSName(host)
