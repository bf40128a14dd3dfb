"""Spans: the stable HTTP conventions, one for each request, and nothing that could identify or authorise."""

from __future__ import annotations

import httpx
import pytest
from http_script import Script
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from crosskey.errors import CrosskeyError, RejectedError
from crosskey.http import RetryPolicy


@pytest.fixture
def exporter():
    return InMemorySpanExporter()


@pytest.fixture
def tracer(exporter):
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider.get_tracer("test")


async def test_each_request_is_one_client_span_by_the_stable_names(client_for, exporter, tracer):
    server = Script(httpx.Response(503), httpx.Response(200, json=1))
    async with client_for(server, tracer=tracer) as client:
        await client.call("GET", "/api/v1/groups/00g1/users", decode=int, template="/api/v1/groups/{id}/users")
    first, second = exporter.get_finished_spans()
    shared = {
        "http.request.method": "GET",
        "server.address": "acme.example.test",
        "server.port": 443,
        "url.scheme": "https",
        "url.template": "/api/v1/groups/{id}/users",
        "crosskey.instance": "source.corp",
    }
    assert dict(first.attributes) == {**shared, "http.response.status_code": 503, "error.type": "503"}
    assert dict(second.attributes) == {**shared, "http.response.status_code": 200, "http.request.resend_count": 1}
    assert {span.name for span in (first, second)} == {"GET /api/v1/groups/{id}/users"}
    assert {span.kind for span in (first, second)} == {SpanKind.CLIENT}
    assert (first.status.status_code, second.status.status_code) == (StatusCode.ERROR, StatusCode.UNSET)


async def test_no_query_header_id_or_body_reaches_a_span(client_for, exporter, tracer):
    server = Script(
        httpx.Response(400, json={"error": "canary-body"}, headers={"dpop-nonce": "canary-nonce"}),
    )
    async with client_for(server, tracer=tracer, headers={"Authorization": "SSWS canary-token"}) as client:
        with pytest.raises(RejectedError):
            await client.call(
                "POST",
                "/api/v1/users/ann.canary@example.com",
                decode=int,
                params={"search": 'profile.email eq "canary@example.com"'},
                json={"password": "canary-password"},
            )
        with pytest.raises(RejectedError):
            await client.call("GET", "/api/v1/users/00ucanary123456?after=canary", decode=int)
    spans = exporter.get_finished_spans()
    assert len(spans) == 2
    assert "canary" not in "".join(span.to_json() for span in spans)
    assert spans[0].attributes["url.template"] == "/api/v1/users/{id}"


async def test_a_broken_exchange_is_an_error_span_without_the_exceptions_text(client_for, exporter, tracer):
    server = Script(httpx.ReadError("canary in the message"))
    async with client_for(server, tracer=tracer, retry=RetryPolicy(attempts=1)) as client:
        with pytest.raises(CrosskeyError):
            await client.call("GET", "/a", decode=int)
    (span,) = exporter.get_finished_spans()
    assert span.attributes["error.type"] == "ReadError"
    assert span.status.status_code is StatusCode.ERROR
    assert "canary" not in span.to_json()


async def test_waiting_for_a_turn_is_not_part_of_the_span(client_for, clock, exporter, tracer):
    throttled = httpx.Response(429, headers={"Retry-After": "30"})
    async with client_for(Script(throttled, httpx.Response(200, json=1)), tracer=tracer) as client:
        await client.call("GET", "/a", decode=int)
    assert len(exporter.get_finished_spans()) == 2
    assert clock.elapsed == 30


async def test_plain_httpx_calls_are_traced_too(client_for, exporter, tracer):
    async with client_for(Script(httpx.Response(200, json=1)), tracer=tracer) as client:
        await client.get("/api/v1/users/12345?q=canary")
    (span,) = exporter.get_finished_spans()
    assert span.name == "GET /api/v1/users/{id}"
    assert "canary" not in span.to_json()
