"""Every model behind the port, the real socket and the one in memory, keeps the port's promises."""

from __future__ import annotations

import copy
import json
import pickle
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from strongroom.errors import BadValue, InputError, LedgerUnwritable, ModelUnanswered
from strongroom.inference.endpoint import Endpoint
from strongroom.inference.memory import MemoryModel, completion
from strongroom.inference.secret import Secret
from strongroom.model_settings import LanguageModel
from strongroom.ports import Model
from strongroom.settings import load_treasury

MESSAGES = [("system", "be brief"), ("user", "h\u00e9llo <facts>{}</facts>")]
SCHEMA = {"type": "object", "properties": {}, "additionalProperties": False}
ANSWER = completion('{"choices": []}') + b"\n "
KEY = "sk-planner-abcdef"


class Server(ThreadingHTTPServer):
    """Answers what it is given, status first, and keeps what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status, self.body = 200, ANSWER
        self.asked: list[tuple[dict[str, str], bytes]] = []


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server: Any = self.server
        body = self.rfile.read(int(self.headers["Content-Length"]))
        server.asked.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(server.status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(server.body)))
        self.end_headers()
        self.wfile.write(server.body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    served = Server()
    thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield served
    served.shutdown()
    thread.join()
    served.server_close()


def endpoint(server: Server, key: str = KEY) -> Endpoint:
    return Endpoint(LanguageModel(f"http://127.0.0.1:{server.server_port}/v1", "small", 10, 77), Secret(key))


@pytest.fixture(params=["endpoint", "memory"])
def make(request: pytest.FixtureRequest, server: Server) -> Callable[[], Model]:
    """A model that answers `ANSWER`."""
    return (lambda: endpoint(server)) if request.param == "endpoint" else lambda: MemoryModel(ANSWER, name="small")


@pytest.fixture(params=["endpoint", "memory"])
def silent(request: pytest.FixtureRequest, server: Server) -> Model:
    """A model that answers nothing."""
    server.status = 503
    return endpoint(server) if request.param == "endpoint" else MemoryModel(name="small")


def test_the_answer_is_the_exact_bytes_and_the_request_is_told_once_before(make: Callable[[], Model]) -> None:
    told: list[bytes] = []
    model = make()
    assert model.ask(MESSAGES, SCHEMA, told.append) == ANSWER
    assert model.name == "small"
    (sent,) = told
    assert "h\u00e9llo" in json.dumps(json.loads(sent), ensure_ascii=False)


def test_what_cannot_be_recorded_is_not_sent(make: Callable[[], Model], server: Server) -> None:
    def refuse(_: bytes) -> None:
        raise LedgerUnwritable("ledger", "disk full")

    with pytest.raises(LedgerUnwritable):
        make().ask(MESSAGES, SCHEMA, refuse)
    assert server.asked == []


def test_no_answer_is_an_error_of_ours_and_the_request_was_told(silent: Model) -> None:
    told: list[bytes] = []
    with pytest.raises(ModelUnanswered):
        silent.ask(MESSAGES, SCHEMA, told.append)
    assert len(told) == 1


def test_the_bytes_told_are_the_bytes_on_the_wire(server: Server) -> None:
    told: list[bytes] = []
    endpoint(server).ask(MESSAGES, SCHEMA, told.append)
    ((_, body),) = server.asked
    assert [body] == told
    asked = json.loads(body)
    assert asked["model"] == "small"
    assert asked["max_completion_tokens"] == 77
    assert asked["messages"] == [{"role": role, "content": text} for role, text in MESSAGES]
    assert asked["response_format"]["json_schema"] == {"name": "answer", "strict": True, "schema": SCHEMA}


def test_only_our_key_leaves_and_nothing_that_the_environment_names(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("API_KEY", "ORG_ID", "PROJECT_ID", "ADMIN_KEY"):
        monkeypatch.setenv(f"OPENAI_{name}", "leaked")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    headers = ("X-Extra", "Authorization", "Host", "User-Agent", "Accept", "Content-Type", "OpenAI-Organization")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "\n".join(f"{name}: leaked" for name in headers))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    endpoint(server).ask(MESSAGES, SCHEMA, lambda _: None)
    endpoint(server, key="").ask(MESSAGES, SCHEMA, lambda _: None)
    (with_key, _), (without, _) = server.asked
    assert with_key["authorization"] == f"Bearer {KEY}"
    assert "authorization" not in without
    for headers in (with_key, without):
        assert "leaked" not in str(headers)
        assert set(headers) <= {
            "host", "authorization", "content-type", "content-length", "accept", "accept-encoding", "user-agent"
        }  # fmt: skip


def test_an_error_tells_neither_key_nor_address(server: Server) -> None:
    server.status, server.body = 401, f'{{"error": {{"message": "wrong key {KEY}"}}}}'.encode()
    with pytest.raises(ModelUnanswered) as caught:
        endpoint(server).ask(MESSAGES, SCHEMA, lambda _: None)
    assert str(caught.value) == "the language model did not answer (HTTP 401); check [model] in treasury.toml"


def test_an_address_that_turns_out_to_be_none_is_no_answer() -> None:
    odd = Endpoint(LanguageModel("http://a..b]c/v1", "small", 1, 1), Secret(""))
    with pytest.raises(ModelUnanswered):
        odd.ask(MESSAGES, SCHEMA, lambda _: None)


@pytest.mark.parametrize("key", ["two words", "line\nbreak", "k\u00e9y", "\x00"])
def test_a_key_that_no_header_can_carry_is_refused_unseen(key: str) -> None:
    with pytest.raises(BadValue) as caught:
        Endpoint(LanguageModel("http://127.0.0.1:9/v1", "small", 1, 1), Secret(key))
    assert key not in str(caught.value)


def test_a_secret_shows_a_mask_and_is_not_copied() -> None:
    secret = Secret(KEY)
    assert KEY not in f"{secret} {secret!r} {[secret]}"
    assert secret.reveal() == KEY
    for copied in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="neither copied nor kept"):
            copied(secret)


TREASURY = """
name = "DAO"
mode = "shadow"
rpc = "http://127.0.0.1:8545"
service = "http://127.0.0.1:8008"
state_dir = "/var/lib/strongroom"
[account]
chain_id = 1
safe = "0x0b551D0087c1f74C9932c9a1fe3EF8E572feb4dE"
"""


def loaded(table: str) -> LanguageModel | None:
    return load_treasury(TREASURY + table, Path("/")).model


def test_a_model_is_named_in_treasury_toml_or_there_is_none() -> None:
    assert loaded("") is None
    assert loaded('[model]\nurl = "https://models.example/v1/"\nname = "big"\ntimeout = "2 minutes"\n') == (
        LanguageModel("https://models.example/v1", "big", 120, 4_096)
    )
    assert loaded('[model]\nurl = "http://127.0.0.1:8000/v1"\nname = "near"\nmax_tokens = 9\n') == (
        LanguageModel("http://127.0.0.1:8000/v1", "near", 60, 9)
    )


@pytest.mark.parametrize(
    ("table", "mend"),
    [
        ('url = "http://models.example/v1"', "write `https://`"),
        ('url = "http://127.0.0.1.evil.example/v1"', "write `https://`"),
        ('url = "https://user:secret@models.example/v1"', "leave out user"),
        ('url = "https://models.example/v1?key=secret"', "leave out user"),
        ('url = "ftp://models.example"', "full address"),
        ('url = "https://[::1"', "full address"),
        ('url = "https://models.example:99999/v1"', "full address"),
        ('url = "models.example"', "full address"),
        ('url = "https://mod els.example/v1"', "full address"),
        ('url = "https://m\u00f6dels.example/v1"', "full address"),
        ('url = "https://m.example/v1"\ntimeout = "soon"', "write a duration"),
        ('url = "https://m.example/v1"\ntimeout = "11 minutes"', "at most `10 minutes`"),
        ('url = "https://m.example/v1"\nmax_tokens = 0', "above zero"),
        ('url = "https://m.example/v1"\nkey = "sk-1"', "unknown key `key`"),
    ],
)
def test_a_model_that_cannot_be_trusted_with_the_treasury_is_refused_in_one_line(table: str, mend: str) -> None:
    with pytest.raises(InputError, match=mend) as caught:
        loaded(f'[model]\nname = "big"\n{table}\n')
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)
