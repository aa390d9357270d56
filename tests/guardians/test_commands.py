"""The guardians' program as people run it: processes of their own, over HTTP, with nothing of the agent installed."""

from __future__ import annotations

import json
import os
import pty
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from guardians.__main__ import main
from guardians.app import PASSWORD
from strongroom.addresses import from_digest
from strongroom.model import SafeTx
from strongroom.protocols.erc20 import encode_transfer
from strongroom.protocols.safe import encode_exec, join_signatures, safe_tx_hash
from strongroom.world.people import ALICE, DEPLOYER, GUARDIANS, STRANGER
from tests.guardians.hall import SECRET, WITHOUT_AGENT, Hall

INES, JONAS, KEMI = GUARDIANS


def to_stranger(hall: Hall, nonce: int = 0) -> SafeTx:
    return hall.call(hall.token("USDC"), encode_transfer(STRANGER.address, 10**6), nonce=nonce)


@pytest.mark.parametrize("module", ["agent", "langgraph", "langchain_core", "openai"])
def test_the_agent_really_is_absent_in_these_processes(module: str) -> None:
    """Without this, the tests below could pass with an agent that is imported after all."""
    code = WITHOUT_AGENT.replace("runpy.run_module", f"import {module}\nrunpy.run_module")
    ended = subprocess.run([sys.executable, "-c", code, "guardians", "--help"], capture_output=True, text=True)
    assert ended.returncode == 1 and f"{module} is not installed here" in ended.stderr


def test_three_guardians_sign_in_their_own_processes_and_the_payroll_executes(hall: Hall) -> None:
    """Each has an own keystore and folder, and judges before signing; the service then lists all three."""
    digest = hall.propose(hall.payroll())
    processes = [
        hall.start([*hall.arguments("sign", digest, person, hall.own_folder(person.name)), "--json"])
        for person in GUARDIANS
    ]
    for person, (code, out, err) in zip(GUARDIANS, map(hall.finish, processes), strict=True):
        assert code == 0, err
        said = json.loads(out)
        assert (said["signed_by"], said["safe_tx_hash"]) == (person.address, digest)
        assert said["verdict"] in ("allow", "ask") and said["policy"] == said["policy_named"]
        assert f"pay 11,000.00 USDC to alice ({ALICE.address})" in said["calls"]
    queued = hall.service.find(digest)
    assert queued and {approval.guardian for approval in queued.approvals} == {p.address for p in GUARDIANS}
    data = encode_exec(queued.tx, join_signatures(queued.approvals))
    assert hall.world.send_as(DEPLOYER.address, hall.document.account.safe, data).success


def test_a_hostile_proposal_is_refused_with_every_finding_and_no_signature_is_posted(hall: Hall) -> None:
    digest = hall.propose(to_stranger(hall))
    code, out, err = hall.finish(hall.start(hall.arguments("sign", digest, INES)))
    assert code == 1
    assert f"deny  payees: `{STRANGER.address}` is not in the address book" in out
    assert "deny  payments" in out and "deny  provenance" in out and "verdict deny: do not sign" in out
    assert err.count("\n") == 1 and "do not sign it, `strongroom guardian reject 0`" in err
    assert hall.signers(digest) == set()


def run(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> tuple[int, str, str]:
    """The program in this process: the same entry, without the seconds a new one takes."""
    monkeypatch.setattr(sys, "argv", ["guardian", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


Run = Callable[[list[str]], tuple[int, str, str]]


@pytest.fixture
def guardian(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv(PASSWORD, SECRET)
    return lambda arguments: run(arguments, capsys, monkeypatch)


class Liar(BaseHTTPRequestHandler):
    """Passes requests on to the real service and swaps bytes in what it answers, hash and signatures untouched."""

    upstream = ""
    swap: Callable[[bytes], bytes]

    def do_GET(self) -> None:
        with urlopen(self.upstream + self.path) as answer:
            body = type(self).swap(answer.read())
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Tests stay quiet."""


@pytest.fixture
def lying(hall: Hall) -> Iterator[Callable[[str, str], str]]:
    """The address of a service that says `new` wherever the real one says `old`."""
    servers = []

    def at(old: str, new: str) -> str:
        swap = staticmethod(lambda body: body.replace(old.encode(), new.encode()))
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("L", (Liar,), {"upstream": hall.url, "swap": swap}))
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield at
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_service_that_shows_other_calldata_under_the_same_hash_is_caught(
    hall: Hall, guardian: Run, lying: Callable[[str, str], str]
) -> None:
    """The bytes shown pay alice; the hash is that of paying a stranger."""
    digest = hall.propose(to_stranger(hall))
    url = lying(STRANGER.address[2:].lower(), ALICE.address[2:].lower())
    folder = hall.own_folder("deceived", service=url)
    code, _, err = guardian(hall.arguments("sign", digest, INES, folder))
    assert code == 1 and "do not sign it" in err and err.count("\n") == 1
    assert hall.signers(digest) == set()


def test_list_and_show_put_every_waiting_proposal_in_words(hall: Hall, guardian: Run) -> None:
    payroll, hostile = hall.propose(hall.payroll()), hall.propose(to_stranger(hall, nonce=1))
    folder = ["--config", str(hall.own_folder("own"))]
    code, out, _ = guardian(["list", *folder, "--json"])
    assert code == 0 and [row["safe_tx_hash"] for row in json.loads(out)] == [payroll, hostile]
    code, out, _ = guardian(["list", *folder])
    assert code == 0 and out.count("compare this hash") == 2
    code, out, _ = guardian(["show", hostile, *folder])
    assert code == 0 and f"pay 1.00 USDC to {STRANGER.address}, who is not in the address book" in out


def test_an_empty_queue_is_said_to_be_empty(hall: Hall, guardian: Run) -> None:
    assert guardian(["list", "--config", str(hall.own_folder("own"))])[:2] == (0, "nothing waits from nonce 0 on\n")


def test_verify_exits_1_on_a_denial_and_0_otherwise(hall: Hall, guardian: Run) -> None:
    good, bad = hall.propose(hall.payroll()), hall.propose(to_stranger(hall, nonce=1))
    assert guardian(hall.arguments("verify", good))[0] == 0
    code, out, err = guardian([*hall.arguments("verify", bad), "--json"])
    assert code == 1 and json.loads(out)["verdict"] == "deny" and "findings deny" in err


def test_reject_by_nonce_and_by_hash_meet_on_one_transaction(hall: Hall, guardian: Run) -> None:
    """Two guardians, one by nonce and one by the proposal's hash; both signatures stand on the rejection."""
    digest = hall.propose(to_stranger(hall))
    _, by_nonce, _ = guardian([*hall.arguments("reject", "0", INES), "--json"])
    _, by_hash, _ = guardian([*hall.arguments("reject", digest, JONAS), "--json"])
    rejection = json.loads(by_nonce)["safe_tx_hash"]
    assert json.loads(by_hash)["safe_tx_hash"] == rejection
    assert rejection == safe_tx_hash(hall.call(hall.document.account.safe))
    assert hall.signers(rejection) == {INES.address, JONAS.address}


def test_rejecting_a_nonce_that_nobody_claims_is_refused(hall: Hall, guardian: Run) -> None:
    code, _, err = guardian(hall.arguments("reject", "3", INES))
    assert code == 1 and "nothing waits at `nonce 3`" in err


SAFE_OF_OTHERS = "0x0b551D0087c1f74C9932c9a1fe3EF8E572feb4dE"
Wrong = Callable[[Hall], list[str]]
ONE_LINE: list[tuple[str, Wrong, str]] = [
    ("unknown hash", lambda h: h.arguments("verify", "0x" + "12" * 32), "nothing waits at"),
    ("no hash at all", lambda h: h.arguments("show", "payroll"), "64 hexadecimal digits"),
    ("neither nonce nor hash", lambda h: h.arguments("reject", "x", INES), "for NONCE|HASH; give a nonce, such as"),
    ("not an owner", lambda h: h.arguments("sign", h.propose(h.payroll()), STRANGER), "does not own Safe"),
    (
        "no keystore",
        lambda h: [*h.arguments("sign", h.propose(h.payroll())), "--yes", "--keystore", "missing.json"],
        "no usable key at `missing.json`",
    ),
    (
        "nobody to ask",
        lambda h: [a for a in h.arguments("sign", h.propose(h.payroll()), INES) if a != "--yes"],
        "give `--yes`",
    ),
    (
        "service down",
        lambda h: h.arguments("verify", "0x" + "12" * 32, folder=h.own_folder("d", service="http://127.0.0.1:9")),
        "transaction service `http://127.0.0.1:9` cannot be reached",
    ),
    (
        "not a service",
        lambda h: ["list", "--config", str(h.own_folder("n", service=h.world.url))],
        "it is no Safe Transaction Service; check",
    ),
    (
        "node down",
        lambda h: h.arguments(
            "verify", "0x" + "12" * 32, folder=h.own_folder("c", **{h.world.url: "http://127.0.0.1:9"})
        ),
        "node `http://127.0.0.1:9` cannot be reached",
    ),
    (
        "wrong chain",
        lambda h: ["list", "--config", str(h.own_folder("w", **{"= 31337": "= 1", "= 31_337": "= 1"}))],
        "serves chain `31337`, treasury.toml says `1`",
    ),
    (
        "no Safe there",
        lambda h: h.arguments(
            "verify", h.propose(h.payroll()), folder=h.own_folder("s", **{h.document.account.safe: SAFE_OF_OTHERS})
        ),
        SAFE_OF_OTHERS,
    ),
    ("no documents", lambda h: ["list", "--config", str(h.folder / "empty")], "no document at"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "line"), [(wrong, line) for _, wrong, line in ONE_LINE], ids=[i for i, _, _ in ONE_LINE]
)
def test_what_a_user_gets_wrong_is_one_line_and_exit_1(hall: Hall, guardian: Run, wrong: Wrong, line: str) -> None:
    code, _, err = guardian(wrong(hall))
    assert code == 1 and line in err
    assert err.startswith("guardian: ") and err.count("\n") == 1


def test_a_wrong_password_is_one_line(hall: Hall, guardian: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSWORD, "wrong")
    code, _, err = guardian(hall.arguments("sign", hall.propose(hall.payroll()), INES))
    assert code == 1 and "the password does not open it" in err and err.count("\n") == 1


def test_a_policy_for_another_safe_is_refused_before_anything_is_read(hall: Hall, guardian: Run) -> None:
    folder = hall.own_folder("mixed")
    policy = folder / "policy.toml"
    policy.write_text(policy.read_text().replace(hall.document.account.safe, SAFE_OF_OTHERS))
    code, _, err = guardian(["list", "--config", str(folder)])
    assert code == 1 and SAFE_OF_OTHERS in err and "treasury.toml names" in err


def test_on_a_terminal_the_guardian_is_asked_and_no_means_no(
    hall: Hall, guardian: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = hall.propose(hall.payroll())
    leader, follower = pty.openpty()
    os.write(leader, b"n\n")
    with os.fdopen(follower) as terminal, monkeypatch.context() as patched:
        patched.setattr(sys, "stdin", terminal)
        code, _, err = guardian([each for each in hall.arguments("sign", digest, INES) if each != "--yes"])
    os.close(leader)
    assert code == 1 and f"as {INES.address}? [y/N]" in err and "stopped" in err
    assert hall.signers(digest) == set()


def test_serve_answers_until_it_is_interrupted(hall: Hall, tmp_path: Path) -> None:
    """The bundled service as its own process, its port from treasury.toml and its queue in the store file."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = hall.own_folder("served", service=f"http://127.0.0.1:{port}")
    process = hall.start(["serve", "--config", str(folder), "--store", str(tmp_path / "queue.db")])
    try:
        assert _answered(f"http://127.0.0.1:{port}/api/v1/about/")["implementation"] == "strongroom"
    finally:
        process.terminate()
    _, out, err = hall.finish(process)
    assert f"http://127.0.0.1:{port}" in out and err == ""
    assert (tmp_path / "queue.db").exists()


def _answered(url: str) -> dict[str, str]:
    deadline = time.monotonic() + 30
    while True:
        try:
            with urlopen(url) as answer:
                return dict(json.load(answer))
        except URLError:
            assert time.monotonic() < deadline, "the service never listened"
            time.sleep(0.05)


def test_the_signature_posted_is_over_the_hash_that_was_shown(hall: Hall, guardian: Run) -> None:
    digest = hall.propose(hall.payroll())
    code, out, _ = guardian(hall.arguments("sign", digest, KEMI))
    assert code == 0 and out.startswith(f"proposal {digest}\n")
    assert out.endswith(f"signed as {KEMI.address}: 1 of 2; one more guardian must sign\n")
    assert len(from_digest(digest)) == 32 and hall.signers(digest) == {KEMI.address}


def test_the_last_signature_needed_says_who_executes(hall: Hall, guardian: Run) -> None:
    """The treasurer's own proposals it executes itself; what waits behind another says so."""
    digest, behind = hall.propose(hall.payroll()), hall.propose(hall.payroll(nonce=1))
    for each, said in ((digest, "executes when the treasurer next looks"), (behind, "after what waits at earlier")):
        guardian(hall.arguments("sign", each, INES))
        assert said in guardian(hall.arguments("sign", each, JONAS))[1].splitlines()[-1]
