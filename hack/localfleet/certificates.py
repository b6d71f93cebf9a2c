"""The certificates of one cluster: its own authority, and a leaf for everybody who talks to its API server."""

from __future__ import annotations

import datetime
import ipaddress
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_LIFETIME = datetime.timedelta(days=3650)
_PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True)
class Leaf:
    """A certificate to sign; `hosts` (names and addresses) make it a server's, otherwise it is a client's."""

    common_name: str
    organizations: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Authority:
    """A certificate authority with its key."""

    certificate: x509.Certificate
    key: _PrivateKey

    @classmethod
    def load(cls, certificate: Path, key: Path) -> Authority:
        """Read an authority from PEM files; also one made by kubeadm, whose key is RSA."""
        loaded = serialization.load_pem_private_key(key.read_bytes(), None)
        if not isinstance(loaded, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
            raise TypeError(f"{key}: neither an EC nor an RSA key")
        return cls(x509.load_pem_x509_certificate(certificate.read_bytes()), loaded)

    def sign(self, leaf: Leaf) -> tuple[bytes, bytes]:
        """A new certificate and its key, both PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        usage = ExtendedKeyUsageOID.SERVER_AUTH if leaf.hosts else ExtendedKeyUsageOID.CLIENT_AUTH
        builder = _builder(_subject(leaf.common_name, leaf.organizations), self.certificate.subject, key)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        builder = builder.add_extension(self._key_identifier(), critical=False)
        if leaf.hosts:
            names = x509.SubjectAlternativeName([_general_name(host) for host in leaf.hosts])
            builder = builder.add_extension(names, critical=False)
        return _certificate_pem(builder.sign(self.key, hashes.SHA256())), _key_pem(key)

    def _key_identifier(self) -> x509.AuthorityKeyIdentifier:
        """Strict verifiers (Python 3.13's default) refuse a certificate without it."""
        own = self.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
        return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own.value)


def ensure(pki: Path, first_service_ip: str) -> None:
    """Fill `pki` once; all of it appears at the same moment, so a killed start leaves no half set behind."""
    if pki.exists():
        return
    draft = pki.with_name(f".{pki.name}.{os.getpid()}")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True, mode=0o700)
    authority = new_authority("local-fleet", draft / "ca")
    front_proxy = new_authority("local-fleet-front-proxy", draft / "front-proxy-ca")
    for name, leaf in _leaves(first_service_ip).items():
        _write_pair(draft / name, *authority.sign(leaf))
    _write_pair(draft / "front-proxy", *front_proxy.sign(Leaf("front-proxy")))
    _write_service_account_key(draft)
    draft.rename(pki)


def _leaves(first_service_ip: str) -> dict[str, Leaf]:
    in_cluster = ("kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local")
    return {
        "server": Leaf("kube-apiserver", hosts=("localhost", "127.0.0.1", first_service_ip, *in_cluster)),
        "admin": Leaf("local-fleet-admin", ("system:masters",)),
        "kube-controller-manager": Leaf("system:kube-controller-manager"),
        "kube-scheduler": Leaf("system:kube-scheduler"),
    }


def new_authority(name: str, path: Path) -> Authority:
    """A new authority, written to `path` with the suffixes of certificate and key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _subject(name, ())
    unused = ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    never = dict.fromkeys([*unused, "encipher_only", "decipher_only"], False)
    usage = x509.KeyUsage(digital_signature=True, key_cert_sign=True, crl_sign=True, **never)
    builder = _builder(subject, subject, key).add_extension(usage, critical=True)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    certificate = builder.add_extension(identifier, critical=False).sign(key, hashes.SHA256())
    _write_pair(path, _certificate_pem(certificate), _key_pem(key))
    return Authority(certificate, key)


def _write_service_account_key(pki: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    _write_private(pki / "service-account.key", _key_pem(key))
    (pki / "service-account.pub").write_bytes(public)


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + _LIFETIME)
    )


def _subject(common_name: str, organizations: tuple[str, ...]) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, name) for name in organizations]
    return x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _certificate_pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: _PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write_pair(path: Path, certificate: bytes, key: bytes) -> None:
    path.with_suffix(".crt").write_bytes(certificate)
    _write_private(path.with_suffix(".key"), key)


def _write_private(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content)
