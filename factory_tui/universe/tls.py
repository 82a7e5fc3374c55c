"""HTTPS for the real hostnames of services, under a certificate authority of one run.

Software with hard-coded hosts (``slack.com``) can be led to a twin by a hosts file and be made
to trust the authority by :meth:`Authority.env` and by appending :attr:`Authority.pem` to the
system's bundle. The authority lives in memory and dies with the process.
"""

import ssl
from pathlib import Path

import trustme

__all__ = ["Authority"]

_VARIABLES = (
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "GIT_SSL_CAINFO",
    "AWS_CA_BUNDLE",
    "PIP_CERT",
    "CARGO_HTTP_CAINFO",
    "DENO_CERT",
)

_KEPT = 100


class Authority:
    """A certificate authority that vouches for whatever host a client names.

    Attributes:
        pem: The authority's certificate, to be trusted.
    """

    def __init__(self) -> None:
        self._authority = trustme.CA(organization_name="factory-tui twins")
        self.pem: bytes = self._authority.cert_pem.bytes()
        self._leaves: dict[str, ssl.SSLContext] = {}
        self._choosing: dict[str, ssl.SSLContext] = {}

    def context(self, host: str = "localhost") -> ssl.SSLContext:
        """A server's context: certificates for any SNI name, for ``host`` where none is given.

        The same for every server: making one costs as much as some hundred requests.
        """
        if host in self._choosing:
            return self._choosing[host]

        def choose(
            sock: ssl.SSLObject | ssl.SSLSocket, name: str | None, _: ssl.SSLContext
        ) -> int | None:
            if name:
                try:
                    sock.context = self._leaf(name)
                except ValueError:
                    return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
            return None

        served = self._serving(host)
        served.sni_callback = choose
        self._choosing[host] = served
        return served

    def client(self) -> ssl.SSLContext:
        """A client's context that trusts this authority and nobody else."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._authority.configure_trust(context)
        return context

    def write(self, path: Path) -> Path:
        """Write :attr:`pem` to a file; returns it."""
        path.write_bytes(self.pem)
        return path

    @staticmethod
    def env(bundle: str) -> dict[str, str]:
        """Variables that make programs trust the authority, whose PEM is at ``bundle``."""
        return dict.fromkeys(_VARIABLES, bundle)

    def _serving(self, host: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(["http/1.1"])
        self._authority.issue_cert(host).configure_cert(context)
        return context

    def _leaf(self, host: str) -> ssl.SSLContext:
        found = self._leaves.get(host)
        if found is None:
            found = self._serving(host)
            while len(self._leaves) >= _KEPT:
                del self._leaves[next(iter(self._leaves))]
            self._leaves[host] = found
        return found
