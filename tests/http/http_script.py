"""A scripted server for the mock transport."""

from __future__ import annotations

import httpx

Answer = httpx.Response | Exception


class Script:
    """Answers requests from a list, in order (the last answer stays), and keeps what was asked."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        # A response may be sent once only: the last one is answered again and again.
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    @property
    def paths(self) -> list[str]:
        return [request.url.raw_path.decode() for request in self.requests]
