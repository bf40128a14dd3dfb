"""A raw server on loopback that says whatever bytes a test wants, and a client to it."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from opentelemetry.trace import NoOpTracer

from crosskey.http import Client, RetryPolicy, open_client

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

DEADLINE = 1.0
"""Seconds. Long enough that no pause of a busy machine is taken for a connection that nobody took."""


@asynccontextmanager
async def listening(talk: Talk, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """A raw server: ``talk`` is called for each connection, after the request's head was read."""
    tasks: set[asyncio.Task[None]] = set()
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())
        writers.append(writer)
        with suppress(ConnectionError, asyncio.CancelledError, asyncio.IncompleteReadError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                await talk(reader, writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in writers:
            writer.transport.abort()  # what nobody read any more would keep it open
        await asyncio.sleep(0)


@asynccontextmanager
async def connected(
    clock, talk: Talk, *, tls: ssl.SSLContext | None = None, scheme: str = "http", **options: object
) -> AsyncIterator[Client]:
    async with listening(talk, tls) as authority, client_to(clock, f"{scheme}://{authority}", **options) as client:
        yield client


@asynccontextmanager
async def client_to(clock, base: str, **options: object) -> AsyncIterator[Client]:
    settings = {"retry": RetryPolicy(attempts=1), "deadline": DEADLINE, "tracer": NoOpTracer()} | options
    async with open_client(
        base, instance="target.desk", clock=clock, logger=logging.getLogger("test.wire"), **settings
    ) as client:
        yield client


def saying(*parts: bytes, end: bool = True, pause: float = 0.0) -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
            if pause:
                await asyncio.sleep(pause)
        if end:
            writer.close()
            await writer.wait_closed()

    return talk


def head(*lines: str, status: str = "200 OK") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", "Content-Type: application/json", *lines, "", ""]).encode()


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    linger = struct.pack("ii", 1, 0)  # close() then sends RST
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()
    raise ConnectionError


def certificate(*, days: int, name: str = "localhost") -> tuple[bytes, bytes]:
    """A self-signed certificate and its key, valid until so many days from now."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    numeric = name.replace(".", "").isdigit()
    alternative = x509.IPAddress(ip_address(name)) if numeric else x509.DNSName(name)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=100))
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    return made.public_bytes(pem), key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
