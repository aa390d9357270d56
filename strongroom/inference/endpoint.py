"""A model behind any OpenAI-compatible address. Foreign errors become `ModelUnanswered` here, and nowhere else."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from strongroom.errors import BadValue, ModelUnanswered
from strongroom.inference.secret import Secret
from strongroom.model_settings import LanguageModel

if TYPE_CHECKING:
    from strongroom.inference.wire import Wire

_NO_KEY = "none"
"""The library wants one. It never gets ours, and its headers are never sent."""


class Endpoint:
    """`Model` at `settings.url`. A connection that fails before an answer is there is tried once more, in the same
    time; an answer never is, whatever it says. Redirects and errors of HTTP are answers."""

    def __init__(self, settings: LanguageModel, key: Secret) -> None:
        """Raises `BadValue` for a key that no header can carry; an empty one is none."""
        if not all("!" <= character <= "~" for character in key.reveal()):
            raise BadValue(key, "the model's key", "it is printable ASCII without spaces")
        self._settings, self._key = settings, key

    @property
    def name(self) -> str:
        return self._settings.name

    def ask(
        self, messages: Sequence[tuple[str, str]], schema: Mapping[str, Any], sending: Callable[[bytes], None]
    ) -> bytes:
        from strongroom.inference.wire import Wire

        deadline = time.monotonic() + self._settings.timeout_seconds
        wire = Wire(sending, deadline, self._key)
        try:
            if not self._post(wire, messages, schema, deadline):
                self._post(wire, messages, schema, deadline, last=True)
        finally:
            wire.close()
        assert wire.received is not None
        return wire.received

    def _post(
        self,
        wire: Wire,
        messages: Sequence[tuple[str, str]],
        schema: Mapping[str, Any],
        deadline: float,
        last: bool = False,
    ) -> bool:
        """Whether there was an answer; a connection that failed may be tried again unless this is the `last` time."""
        from httpx2 import InvalidURL
        from openai import APIConnectionError, APITimeoutError, OpenAIError

        try:
            self._create(wire, messages, schema)
        except (OpenAIError, InvalidURL, ValueError) as error:  # HTTP's own parts may be unreadable text
            if isinstance(error, APITimeoutError) or time.monotonic() >= deadline:
                raise ModelUnanswered(f"no whole answer within {self._settings.timeout_seconds} s") from error
            if isinstance(error, APIConnectionError) and not last:
                return False
            # The library's own text may repeat the address or the request: only the kind is told.
            raise ModelUnanswered(type(error.__cause__ or error).__name__) from error
        return True

    def _create(self, wire: Wire, messages: Sequence[tuple[str, str]], schema: Mapping[str, Any]) -> None:
        import httpx2
        from openai import OpenAI

        http = httpx2.Client(transport=wire, trust_env=False, follow_redirects=False)
        client = OpenAI(api_key=_NO_KEY, base_url=self._settings.url, max_retries=0, http_client=http)
        said: Any = [{"role": role, "content": text} for role, text in messages]
        shape: Any = {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}}
        client.chat.completions.with_raw_response.create(
            model=self._settings.name,
            messages=said,
            response_format=shape,
            max_completion_tokens=self._settings.max_tokens,
        )
