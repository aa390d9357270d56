"""JSON-RPC over HTTP: every foreign error becomes `NodeUnreachable` or `NodeRefused` here, and nowhere else.

web3 is the transport only; nothing of its formatting or middleware is used.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from strongroom.chain.answers import reading, refusal
from strongroom.errors import NodeRefused, NodeUnreachable

if TYPE_CHECKING:
    from web3 import HTTPProvider

Request = tuple[str, Sequence[Any]]

BATCH_SIZE = 100
"""Requests in one HTTP body; public nodes commonly refuse more."""


class Transport:
    """One node. Reads are tried a second time when it does not answer; what may change state is sent once."""

    def __init__(self, url: str, timeout_seconds: float) -> None:
        self._url, self._timeout_seconds = url, timeout_seconds
        self.shown_url = without_secrets(url)

    def ask(self, method: str, *params: Any) -> Any:
        """The result of one read."""
        return self._result(method, self._twice(lambda: self._post_one(method, params)))

    def send(self, method: str, *params: Any) -> Any:
        """The result of one request that may change state: a time-out is not absence, so it is never repeated here."""
        return self._result(method, self._post_one(method, params))

    def ask_each(self, requests: Sequence[Request]) -> list[Any | NodeRefused]:
        """Results in order, in as few batches as `BATCH_SIZE` allows; what the node refused stands in its place."""
        answers: list[Any] = []
        for start in range(0, len(requests), BATCH_SIZE):
            answers += self._ask_batch(requests[start : start + BATCH_SIZE])
        return answers

    def ask_all(self, requests: Sequence[Request]) -> list[Any]:
        """Results in order. Raises the first refusal."""
        answers = self.ask_each(requests)
        for answer in answers:
            if isinstance(answer, NodeRefused):
                raise answer
        return answers

    def close(self) -> None:
        """Closes the pooled connections; the next request opens new ones."""
        if "_session" in self.__dict__:
            self._session.close()

    def _ask_batch(self, requests: Sequence[Request]) -> list[Any | NodeRefused]:
        if len(requests) == 1:
            return [self._parsed(requests[0][0], self._twice(lambda: self._post_one(*requests[0])))]
        answers = self._twice(lambda: self._post_batch(requests))
        if not isinstance(answers, list):
            self._result(requests[0][0], answers)
        if not _one_for_one(answers, len(requests)):
            raise NodeRefused(requests[0][0], f"{len(requests)} requests in a batch were not answered one for one")
        return [self._parsed(request[0], answer) for request, answer in zip(requests, answers, strict=True)]

    def _post_one(self, method: str, params: Sequence[Any]) -> Any:
        return self._translated(lambda: self._provider.make_request(method, list(params)))

    def _post_batch(self, requests: Sequence[Request]) -> Any:
        body = [(method, list(params)) for method, params in requests]
        return self._translated(lambda: self._provider.make_batch_request(body))  # type: ignore[arg-type]

    def _twice(self, post: Callable[[], Any]) -> Any:
        try:
            return post()
        except NodeUnreachable:
            return post()

    def _translated(self, post: Callable[[], Any]) -> Any:
        from requests import HTTPError, RequestException

        try:
            return post()
        except HTTPError as error:
            status = error.response.status_code if error.response is not None else "error"
            raise NodeUnreachable(self.shown_url, f"HTTP {status}") from error
        except RequestException as error:
            # The library's own text repeats the address, and with it any access key: only its kind is told.
            raise NodeUnreachable(self.shown_url, type(error).__name__) from error
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise NodeUnreachable(self.shown_url, "it does not speak JSON-RPC") from error

    def _parsed(self, method: str, answer: Any) -> Any | NodeRefused:
        if not isinstance(answer, dict):
            return NodeRefused(method, "the answer is not a JSON-RPC object")
        if (error := answer.get("error")) is not None:
            return refusal(method, error)
        if "result" not in answer:
            return NodeRefused(method, "the answer has neither result nor error")
        return answer["result"]

    def _result(self, method: str, answer: Any) -> Any:
        parsed = self._parsed(method, answer)
        if isinstance(parsed, NodeRefused):
            raise parsed
        return parsed

    @cached_property
    def _session(self) -> Any:
        from requests import Session

        return Session()

    @cached_property
    def _provider(self) -> HTTPProvider:
        from web3 import HTTPProvider

        return HTTPProvider(
            self._url,
            request_kwargs={"timeout": self._timeout_seconds},
            session=self._session,
            exception_retry_configuration=None,
        )


def _one_for_one(answers: Any, expected: int) -> bool:
    """Whether web3, which numbers requests upwards and sorts answers by number, got each number once."""
    with reading("a batch"):
        numbers = [answer["id"] for answer in answers]
        return len(numbers) == expected and numbers == list(range(numbers[0], numbers[0] + expected))


def without_secrets(url: str) -> str:
    """Scheme, host and port. Hosted nodes carry access keys in the path, the query or as a user."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "…"
    host = parts.netloc.rpartition("@")[2]
    hidden = parts.path.strip("/") or parts.query or parts.username
    return f"{parts.scheme}://{host}/…" if hidden else f"{parts.scheme}://{host}"
