"""A certificate authority for this stack only: Azure's SDKs refuse bearer tokens without TLS."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass
from pathlib import Path

import certifi
import trustme

from local.errors import LocalStackError


@dataclass(frozen=True, slots=True)
class LocalTls:
    """Certificates for 127.0.0.1 and localhost.

    `bundle` holds the public authorities and ours: give it to children as REQUESTS_CA_BUNDLE,
    SSL_CERT_FILE and CURL_CA_BUNDLE, so that package registries stay reachable too.
    """

    bundle: Path
    server_context: ssl.SSLContext
    client_context: ssl.SSLContext

    @classmethod
    def create(cls, folder: Path) -> LocalTls:
        """Create an authority and a server certificate; `folder` gets only the CA bundle, no keys.

        Raises:
            LocalStackError: the folder or the bundle named by REQUESTS_CA_BUNDLE cannot be used.
        """
        authority = trustme.CA()
        certificate = authority.issue_cert("127.0.0.1", "localhost")
        server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(server_context)
        # An environment behind an inspecting proxy names its own bundle; keep what it trusts.
        public = Path(os.environ.get("REQUESTS_CA_BUNDLE", certifi.where()))
        bundle = folder / "ca-bundle.pem"
        try:
            trusted = public.read_bytes()
        except OSError as exc:
            raise LocalStackError(
                f"REQUESTS_CA_BUNDLE names {public}, which cannot be read ({exc.strerror}): "
                "correct or unset it"
            ) from exc
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            bundle.write_bytes(trusted + b"\n" + authority.cert_pem.bytes())
        except OSError as exc:
            raise LocalStackError(
                f"the folder {folder} cannot be used: {exc}. Remove what is in its place"
            ) from exc
        client_context = ssl.create_default_context(cafile=str(bundle))
        return cls(bundle=bundle, server_context=server_context, client_context=client_context)

    def environ(self) -> dict[str, str]:
        """Variables that make requests, httpx, urllib and curl trust this stack."""
        path = str(self.bundle)
        return {"REQUESTS_CA_BUNDLE": path, "SSL_CERT_FILE": path, "CURL_CA_BUNDLE": path}
