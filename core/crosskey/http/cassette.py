"""Recording HTTP traffic to a cassette and replaying it, scrubbed when it is written.

The innermost transport is replaced (by vcrpy, extra ``record``), so retries, pacing, deadlines and spans run on replay
as they do live.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, Protocol
from urllib.parse import quote, urlsplit, urlunsplit

import msgspec

from crosskey.errors import ConfigError
from crosskey.http.redaction import REDACTED, scrub_body, scrub_headers, scrub_text, scrub_url

__all__ = ("Mode", "RecordingError", "recording")

Mode = Literal["none", "once", "all"]
"""Replay only; record when there is no file yet, else replay; record anew."""

SYNTHETIC = "# synthetic: recorded against crosskey's sandbox, not against a vendor"
REAL = "# recorded against a real service; scrubbed when it was written"

# Of a request only what a server may answer differently to; of an answer what belongs to the connection is dropped.
_REQUEST_HEADERS = {"accept", "authorization", "content-type", "dpop"}
_ANSWER_HEADERS_DROPPED = {
    "connection",
    "content-encoding",
    "content-length",
    "keep-alive",
    "server",
    "set-cookie",
    "transfer-encoding",
}


class _Request(Protocol):
    """vcrpy's request, which has no types of its own."""

    method: str
    uri: str
    body: object
    headers: Mapping[str, str]

    def __init__(self, method: str, uri: str, body: bytes | None, headers: Mapping[str, str]) -> None: ...


class _Cassette(Protocol):
    requests: Sequence[_Request]
    play_counts: Mapping[int, int]


class Rewriter(Protocol):
    """Takes people out of a recording: told all of its texts first, then asked for each text anew."""

    def learn(self, texts: Iterable[str]) -> None:
        """See everything once."""
        ...

    def text(self, text: str) -> str:
        """The text without people."""
        ...


class RecordingError(AssertionError):
    """The traffic and the recording do not agree."""


@contextmanager
def recording(
    path: Path | str,
    mode: Mode = "none",
    *,
    synthetic: bool = True,
    allow_unplayed: bool = False,
    hosts: Mapping[str, str] | None = None,
    secrets: Sequence[str] = (),
    pseudonyms: Rewriter | None = None,
) -> Generator[None]:
    """Record the HTTP traffic inside the ``with`` to a YAML cassette, or replay it from there.

    Credentials, cookies and tokens never reach the file; ``secrets`` are further texts to take out. ``hosts`` gives
    ``host:port`` of a local server the name under which it replays (over https), in addresses, links and bodies.
    ``pseudonyms`` replace people in what is written, once everything was recorded. What ends in an exception is not
    written. Requests match by method, address and body; several alike replay in the order they were recorded.

    Raises :class:`RecordingError` for a request that was not recorded (naming the nearest that were) and, in mode
    ``none``, for recorded ones that nobody asked for.
    """
    path = Path(path)
    scrubber = _Scrubber(hosts or {}, secrets)
    recorder = _vcrpy("vcr").VCR(
        serializer="yaml",
        record_mode=mode,
        match_on=("method", "scheme", "host", "port", "path", "query", "same_body"),
        before_record_request=scrubber.request,
        before_record_response=scrubber.answer,
        decode_compressed_response=True,
        drop_unused_requests=mode == "all",
        record_on_exception=False,
    )
    recorder.register_matcher("same_body", _same_body)
    recorder.register_persister(_Persister(SYNTHETIC if synthetic else REAL, pseudonyms))
    try:
        with recorder.use_cassette(str(path)) as cassette:
            yield
    except _vcrpy("vcr.errors").CannotOverwriteExistingCassetteException as exc:
        # vcrpy quotes the request as it was sent.
        raise RecordingError(scrubber.text(str(exc))) from None
    if mode == "none" and not allow_unplayed:
        _require_all_played(cassette, path)


def _require_all_played(cassette: _Cassette, path: Path) -> None:
    left = [
        f"  {request.method} {request.uri}"
        for index, request in enumerate(cassette.requests)
        if not cassette.play_counts[index]
    ]
    if left:
        raise RecordingError(f"{path.name}: recorded, but not asked for:\n" + "\n".join(left))


class _Scrubber:
    """Takes secrets and local addresses out of everything that is written, and of requests before they are matched."""

    def __init__(self, hosts: Mapping[str, str], secrets: Sequence[str]) -> None:
        self._hosts = dict(hosts)
        self._replacements: list[tuple[str, str]] = [(secret, REDACTED) for secret in secrets if secret]
        for local, name in hosts.items():
            self._replacements += [
                (f"http://{local}", f"https://{name}"),
                (quote(f"http://{local}", safe=""), quote(f"https://{name}", safe="")),
                (local, name),
            ]

    def request(self, request: _Request) -> _Request:
        kept = [(name.lower(), value) for name, value in request.headers.items() if name.lower() in _REQUEST_HEADERS]
        headers = {name: self.text(value) for name, value in scrub_headers(kept)}
        body = self._body(request.body, headers.get("content-type", ""))
        return type(request)(request.method, self._address(request.uri), body or None, headers)

    def answer(self, answer: dict[str, Any]) -> dict[str, Any]:
        recorded: Mapping[str, Sequence[str]] = answer["headers"]
        pairs = [(name.lower(), value) for name, values in recorded.items() for value in values]
        headers: dict[str, list[str]] = {}
        for name, value in scrub_headers(pairs):
            if name not in _ANSWER_HEADERS_DROPPED:
                headers.setdefault(name, []).append(self.text(value))
        kind = ";".join(headers.get("content-type", ()))
        return {
            "status": answer["status"],
            "headers": headers,
            "body": {"string": self._body(answer["body"]["string"], kind) or b""},
        }

    def text(self, text: str) -> str:
        return self._replace(scrub_text(text))

    def _replace(self, text: str) -> str:
        for old, new in self._replacements:
            text = text.replace(old, new)
        return text

    def _body(self, body: object, content_type: str) -> bytes | None:
        raw = body.encode() if isinstance(body, str) else body
        if not isinstance(raw, bytes):
            return None
        clean = scrub_body(raw, content_type)
        try:
            return self._replace(clean.decode()).encode()
        except UnicodeDecodeError:
            return clean

    def _address(self, uri: str) -> str:
        parts = urlsplit(self.text(scrub_url(uri)))
        return urlunsplit(parts._replace(fragment=""))


def _same_body(sent: _Request, recorded: _Request) -> bool:
    ours, theirs = _bytes(sent.body), _bytes(recorded.body)
    if ours == theirs:
        return True
    try:
        return bool(msgspec.json.decode(ours) == msgspec.json.decode(theirs))
    except msgspec.DecodeError:
        return False


def _bytes(body: object) -> bytes:
    return body if isinstance(body, bytes) else str(body or "").encode()


class _Persister:
    """Keeps cassettes as labelled UTF-8 YAML in a stable order, so that recording anew gives a small diff."""

    def __init__(self, label: str, pseudonyms: Rewriter | None = None) -> None:
        self._label = label
        self._pseudonyms = pseudonyms

    def load_cassette(self, cassette_path: str, serializer: object) -> object:
        persister = _vcrpy("vcr.persisters.filesystem").FilesystemPersister
        return persister.load_cassette(cassette_path, serializer)

    def save_cassette(self, cassette_path: str, cassette_dict: Mapping[str, Sequence[Any]], serializer: object) -> None:
        pairs = list(zip(cassette_dict["requests"], cassette_dict["responses"], strict=True))
        if self._pseudonyms is not None:
            pairs = _without_people(pairs, self._pseudonyms)
        # Parallel requests arrive in any order; those alike keep theirs, for they replay in it.
        pairs.sort(key=lambda pair: (pair[0].uri, pair[0].method))
        ordered = {"requests": [request for request, _ in pairs], "responses": [answer for _, answer in pairs]}
        text: str = _vcrpy("vcr.serialize").serialize(ordered, serializer)
        path = Path(cassette_path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{self._label}\n{text}", encoding="utf-8")


def _without_people(pairs: Sequence[tuple[_Request, Any]], pseudonyms: Rewriter) -> list[tuple[_Request, Any]]:
    """The exchanges with people taken out of addresses, headers and bodies."""

    def body(raw: object) -> bytes | None:
        return pseudonyms.text(_bytes(raw).decode(errors="replace")).encode() if raw else None

    for request, answer in pairs:
        texts = (request.uri, _bytes(request.body).decode(errors="replace"))
        pseudonyms.learn((*texts, _bytes(answer["body"]["string"]).decode(errors="replace")))
    clean: list[tuple[_Request, Any]] = []
    for request, answer in pairs:
        headers = {name: pseudonyms.text(value) for name, value in request.headers.items()}
        recorded: Mapping[str, Sequence[str]] = answer["headers"]
        answered = {name: [pseudonyms.text(value) for value in values] for name, values in recorded.items()}
        fresh = type(request)(request.method, pseudonyms.text(request.uri), body(request.body), headers)
        clean.append(
            (fresh, {**answer, "headers": answered, "body": {"string": body(answer["body"]["string"]) or b""}})
        )
    return clean


def _vcrpy(module: str) -> Any:  # noqa: ANN401 - vcrpy has no types, and is an extra: imported when it is needed
    try:
        return import_module(module)
    except ImportError:
        raise ConfigError(
            "recording and replaying need vcrpy", code="extra-missing", fix="pip install 'crosskey[record]'"
        ) from None
