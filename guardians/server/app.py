"""The HTTP surface: routes, JSON in and out, and every refusal in its own shape."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from pydantic_core import from_json
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from guardians.server import answers, decoder, delegates, listing, proposals
from guardians.server.bodies import (
    ConfirmationBody,
    DataBody,
    DelegateBody,
    DelegateRemovalBody,
    DeletionBody,
    EstimationBody,
    ProposalBody,
    is_checksummed,
    parse,
)
from guardians.server.history import follow
from guardians.server.refusals import NotChecksummed, NotFound, Refusal
from guardians.server.service import Service
from strongroom.errors import NodeError
from strongroom.model import Account, Address

COMPATIBLE_WITH = "6.10"
"""The public service's version whose behaviour this one has."""

_BODY_BYTES = 1_000_000
Handler = Callable[[Service, Request, Any], Response]


def list_transactions(service: Service, request: Request, _: Any) -> Response:
    safe = _path_address(request)
    follow(service, safe)
    where, values = listing.conditions(request.query_params)
    rows = service.store.rows(
        "transactions", f"safe = ? AND {where}", [safe, *values], listing.order(request.query_params)
    )
    envelope = listing.page(
        request.url, request.query_params, rows, lambda shown: answers.shown(service, safe, shown, _version(request))
    )
    return JSONResponse({**envelope, "countUniqueNonce": len({row["nonce"] for row in rows})})


def propose(service: Service, request: Request, body: Any) -> Response:
    proposals.propose(service, _path_address(request), parse(ProposalBody, body, 422))
    return Response(status_code=201)


def show_transaction(service: Service, request: Request, _: Any) -> Response:
    row = proposals.stored(service, _path_hash(request))
    follow(service, row["safe"])
    return JSONResponse(answers.shown(service, row["safe"], [row], _version(request))[0])


def delete_transaction(service: Service, request: Request, body: Any) -> Response:
    proposals.delete(service, _path_hash(request), parse(DeletionBody, body, 400))
    return Response(status_code=204)


def list_confirmations(service: Service, request: Request, _: Any) -> Response:
    rows = answers.confirmations_of(service, _path_hash(request))
    return JSONResponse(
        listing.page(
            request.url, request.query_params, rows, lambda shown: [answers.confirmation(row) for row in shown]
        )
    )


def confirm(service: Service, request: Request, body: Any) -> Response:
    confirmation = parse(ConfirmationBody, body, 400)
    proposals.confirm(service, _path_hash(request), confirmation)
    return JSONResponse({"signature": "0x" + confirmation.signature.hex()}, 201)


def list_delegates(service: Service, request: Request, _: Any) -> Response:
    where, values = listing.delegate_conditions(request.query_params)
    rows = service.store.rows("delegates", where, values, "ORDER BY rowid")
    return JSONResponse(
        listing.page(request.url, request.query_params, rows, lambda shown: [delegates.shown(row) for row in shown])
    )


def add_delegate(service: Service, _: Request, body: Any) -> Response:
    return JSONResponse(delegates.add(service, parse(DelegateBody, body, 400)), 201)


def remove_delegate(service: Service, request: Request, body: Any) -> Response:
    delegates.remove(service, _path_address(request), parse(DelegateRemovalBody, body, 400))
    return Response(status_code=204)


def show_safe(service: Service, request: Request, _: Any) -> Response:
    safe = _path_address(request)
    if (state := service.find_safe(safe)) is None:
        raise NotFound("SafeContract")
    return JSONResponse(answers.safe_info(safe, state))


def list_safes(service: Service, request: Request, _: Any) -> Response:
    return JSONResponse({"safes": service.safes_of(_path_address(request))})


def estimate(service: Service, request: Request, body: Any) -> Response:
    """Always zero: from Safe 1.3.0 on, `safeTxGas` only matters with a gas refund, and older Safes are not served."""
    if service.find_safe(_path_address(request)) is None:
        raise NotFound("SafeContract")
    parse(EstimationBody, body, 400)
    return JSONResponse({"safeTxGas": "0"})


def decode(service: Service, _: Request, body: Any) -> Response:
    data = parse(DataBody, body, 422)
    account = Account(service.chain.chain_id(), Address(data.to or ""))
    if (decoded := decoder.decode(account, data.data)) is None:
        raise NotFound("function selector")
    return JSONResponse(decoded)


def about(_: Service, request: Request, __: Any) -> Response:
    return JSONResponse(
        {
            "name": "Safe Transaction Service",
            "version": COMPATIBLE_WITH,
            "implementation": "strongroom",
            "api_version": "v1",
            "secure": request.url.is_secure,
            "host": request.url.netloc,
            "headers": [],
            "settings": {},
        }
    )


def _version(request: Request) -> int:
    if request.path_params["version"] not in ("1", "2"):
        raise NotFound("version")
    return int(request.path_params["version"])


def _path_address(request: Request) -> str:
    address: str = request.path_params["address"]
    if not is_checksummed(address):
        raise NotChecksummed(address)
    return address


def _path_hash(request: Request) -> str:
    return str(request.path_params["safe_tx_hash"]).lower()


_TRANSACTIONS = "/api/v{version}/safes/{address}/multisig-transactions/"
_TRANSACTION = "/api/v{version}/multisig-transactions/{safe_tx_hash}/"
_TABLE: dict[str, dict[str, Handler]] = {
    "/api/v1/about/": {"GET": about},
    "/api/v1/data-decoder/": {"POST": decode},
    "/api/v1/owners/{address}/safes/": {"GET": list_safes},
    "/api/v1/safes/{address}/": {"GET": show_safe},
    "/api/v1/safes/{address}/multisig-transactions/estimations/": {"POST": estimate},
    "/api/v1/multisig-transactions/{safe_tx_hash}/confirmations/": {"GET": list_confirmations, "POST": confirm},
    "/api/v2/delegates/": {"GET": list_delegates, "POST": add_delegate},
    "/api/v2/delegates/{address}/": {"DELETE": remove_delegate},
    _TRANSACTIONS: {"GET": list_transactions, "POST": propose},
    _TRANSACTION: {"GET": show_transaction, "DELETE": delete_transaction},
}


def create_app(service: Service) -> Starlette:
    """The whole service as an ASGI application."""
    routes = [Route(path, _endpoint(service, methods), methods=list(methods)) for path, methods in _TABLE.items()]
    bare = [
        Route(path.rstrip("/"), _without_slash(_endpoint(service, methods)), methods=list(methods))
        for path, methods in _TABLE.items()
    ]
    app = Starlette(routes=[*routes, *bare], exception_handlers={HTTPException: _plain_refusal})
    app.router.redirect_slashes = False
    return app


Endpoint = Callable[[Request], Awaitable[Response]]


def _endpoint(service: Service, methods: dict[str, Handler]) -> Endpoint:
    async def answer(request: Request) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        try:
            body = await _body(request) if method in ("POST", "DELETE") else None
            return await run_in_threadpool(methods[method], service, request, body)
        except Refusal as refusal:
            return Response(status_code=refusal.status) if refusal.body is None else _refused(refusal)
        except NodeError as error:
            body = {"exception": "Problem connecting to Ethereum network", "trace": f"{type(error).__name__}: {error}"}
            return JSONResponse(body, 503)

    return answer


def _without_slash(endpoint: Endpoint) -> Endpoint:
    async def answer(request: Request) -> Response:
        # Only reads are redirected: clients drop the body when they follow for any other method.
        if request.method in ("GET", "HEAD"):
            return RedirectResponse(request.url.replace(path=request.url.path + "/"), 301)
        return await endpoint(request)

    return answer


async def _body(request: Request) -> Any:
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > _BODY_BYTES:
            raise Refusal(413, {"detail": f"The body is larger than {_BODY_BYTES} bytes."})
    # A body without a type is refused too: it is what another site's page can send from a guardian's browser.
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if raw and kind != "application/json":
        raise Refusal(415, {"detail": f'Unsupported media type "{kind}" in request.'})
    # Not `json`: the Ethereum libraries raise Python's recursion limit so far that deep nesting crashes the process.
    try:
        return from_json(bytes(raw) or b"{}")
    except ValueError as error:
        raise Refusal(400, {"detail": f"JSON parse error - {error}"}) from error


def _refused(refusal: Refusal) -> Response:
    return JSONResponse(refusal.body, refusal.status)


async def _plain_refusal(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"detail": error.detail}, error.status_code, error.headers)
