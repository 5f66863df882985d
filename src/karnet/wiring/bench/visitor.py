"""A visitor: one keep-alive connection with cookies, as a browser, a till or a gate holds it. Nothing is retried."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from http.cookies import SimpleCookie
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import urlencode, urlsplit

import msgspec

_TIMEOUT_S = 300
_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
_FILES = re.compile(r'<(?:link rel="(?:stylesheet|icon)" href|script src)="([^"]+)"')


class Answer(NamedTuple):
    """What came back, the seconds until its first byte and until its last."""

    status: int
    body: bytes
    location: str
    first_byte_s: float
    seconds: float

    @property
    def text(self) -> str:
        return self.body.decode()

    def found(self, pattern: str) -> str:
        """Return what a pattern's group matches; a page without it is not the one that was meant to be measured."""
        match = re.search(pattern, self.text)
        if match is None:
            raise RuntimeError(f"the page does not say {pattern!r}: status {self.status}, {self.text[:2000]}")
        return match.group(1)

    @property
    def files(self) -> list[str]:
        """The style sheets, scripts and icon that the page names, as a browser loads them."""
        return _FILES.findall(self.text)


class Visitor:
    """Holds one connection and its cookies. Use as a context manager; not for several threads."""

    def __init__(self, address: str, token: str = "") -> None:
        parts = urlsplit(address)
        self._http = HTTPConnection(str(parts.hostname), parts.port, timeout=_TIMEOUT_S)
        self._cookies: dict[str, str] = {}
        self._always = {"Authorization": f"Bearer {token}"} if token else {}
        self._csrf = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self._http.close()

    def get(self, path: str) -> Answer:
        """Ask for a page. Raises RuntimeError unless it answers 200."""
        return self._expect(self._ask("GET", path, None, {}), path, {200})

    def post(self, path: str, form: Mapping[str, str], *, part: bool = False) -> Answer:
        """Send a form with the token of the last page that had one; `part`: as htmx does. Raises unless 200 or 302."""
        body = urlencode({"csrfmiddlewaretoken": self._csrf, **form}).encode()
        more = {"Content-Type": "application/x-www-form-urlencoded", **({"HX-Request": "true"} if part else {})}
        return self._expect(self._ask("POST", path, body, more), path, {200, 302})

    def send(self, path: str, value: Any, key: str = "") -> Answer:
        """Send JSON to the API. Raises RuntimeError unless it answers 200."""
        more = {"Content-Type": "application/json", **({"Idempotency-Key": key} if key else {})}
        return self._expect(self._ask("POST", path, msgspec.json.encode(value), more), path, {200})

    def log_in(self, username: str, password: str) -> None:
        """Sign in as people do."""
        self.get("/login")
        if self.post("/login", {"username": username, "password": password}).status != 302:
            raise RuntimeError(f"{username} could not log in")

    def _ask(self, method: str, path: str, body: bytes | None, more: Mapping[str, str]) -> Answer:
        cookies = {"Cookie": "; ".join(f"{k}={v}" for k, v in self._cookies.items())} if self._cookies else {}
        began = time.perf_counter()
        self._http.request(method, path, body, {**self._always, **cookies, **more})
        response = self._http.getresponse()
        first = time.perf_counter() - began
        content = response.read()
        seconds = time.perf_counter() - began
        for line in response.headers.get_all("Set-Cookie") or ():
            self._cookies.update({name: morsel.value for name, morsel in SimpleCookie(line).items()})
        if token := _TOKEN.search(content.decode()) if b"csrfmiddlewaretoken" in content else None:
            self._csrf = token.group(1)
        return Answer(response.status, content, response.headers.get("Location", ""), first, seconds)

    @staticmethod
    def _expect(answer: Answer, path: str, good: set[int]) -> Answer:
        if answer.status not in good:
            raise RuntimeError(f"{path} answered {answer.status}: {answer.text[:2000]}")
        return answer


def at_once(works: Sequence[Callable[[], list[float]]]) -> tuple[list[float], float]:
    """Do several works at the same time, a thread each; return the seconds of all their calls, and those in all."""
    began = time.perf_counter()
    with ThreadPoolExecutor(len(works)) as pool:
        took = [second for future in [pool.submit(work) for work in works] for second in future.result()]
    return took, time.perf_counter() - began


def again_for(seconds: float, work: Callable[[], float]) -> list[float]:
    """Repeat a work until that much time has gone (at least once); return the seconds that each call says it took."""
    end, took = time.perf_counter() + seconds, [work()]
    while time.perf_counter() < end:
        took.append(work())
    return took
