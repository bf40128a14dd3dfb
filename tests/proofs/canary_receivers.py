"""The other ends of notices, on loopback: a webhook that speaks TLS, and a mail server that wants a password."""

from __future__ import annotations

import datetime as dt
import ssl
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa


def certificate() -> tuple[str, str]:
    """A certificate for this machine that signs itself, and its private key."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "crosskey.example")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=100))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    return made.public_bytes(pem).decode(), secret.decode()


class Received:
    """What arrived: of webhooks headers and body without the address, of mails the text without the sign-in."""

    def __init__(self) -> None:
        self.webhooks: list[bytes] = []
        self.mails: list[bytes] = []
        self.passwords = 0


@contextmanager
def receiving(folder: Path) -> Generator[tuple[Received, int, int, Path]]:
    """Both servers: what they got, their ports (webhook, mail), and the file of the authority to trust."""
    received = Received()
    trusted, key = folder / "trusted.pem", folder / "trusted.key"
    for path, text in zip((trusted, key), certificate(), strict=True):
        path.write_text(text, encoding="ascii")

    class Webhook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            received.webhooks.append(str(self.headers).encode() + body)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Standard error belongs to the tests."""

    class Mail(StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 here\r\n")
            text: list[bytes] | None = None
            for line in self.rfile:
                if text is not None:
                    text.append(line)
                    if line == b".\r\n":
                        received.mails.append(b"".join(text))
                        text = None
                        self.wfile.write(b"250 taken\r\n")
                    continue
                verb = line.split()[0].upper()
                received.passwords += verb == b"AUTH"
                text = [] if verb == b"DATA" else None
                usual = {b"EHLO": b"250-here\r\n250 AUTH PLAIN", b"AUTH": b"235 welcome", b"DATA": b"354 go on"}
                self.wfile.write(usual.get(verb, b"250 fine") + b"\r\n")
                if verb == b"QUIT":
                    return

    web, mail = ThreadingHTTPServer(("127.0.0.1", 0), Webhook), ThreadingTCPServer(("127.0.0.1", 0), Mail)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(trusted, key)
    web.socket = tls.wrap_socket(web.socket, server_side=True)
    threads = [threading.Thread(target=server.serve_forever, args=(0.01,)) for server in (web, mail)]
    for thread in threads:
        thread.start()
    try:
        yield received, web.server_address[1], mail.server_address[1], trusted
    finally:
        for server in (web, mail):
            server.shutdown()
            server.server_close()
        for thread in threads:
            thread.join()
