"""The shapes of request bodies: numbers as integers or decimal strings, bytes as hexadecimal, addresses checksummed."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

from guardians.server.refusals import Invalid, Refusal

MAX_SIGNATURES_BYTES = 5_000
"""As many as the public service takes: enough for 76 owners."""
_RESERVED = {"0x" + "0" * 40: "0x0 address is not allowed", "0x" + "0" * 39 + "1": "0x1 address is not allowed"}


def is_checksummed(value: object) -> bool:
    from eth_utils.address import is_checksum_address

    return isinstance(value, str) and is_checksum_address(value)


def _checksummed(value: object) -> object:
    if not is_checksummed(value):
        raise ValueError(f"Address {value} is not checksumed")
    return value


def _somebody(value: object) -> object:
    if str(value) in _RESERVED:
        raise ValueError(_RESERVED[str(value)])
    return _checksummed(value)


def _integer(value: object) -> int:
    if isinstance(value, str) and len(value) <= 80 and value.isascii() and value.isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("A valid integer is required.")
    if not 0 <= value < 2**256:
        raise ValueError("Ensure this value is between 0 and 2**256 - 1.")
    return value


def _nonce(value: object) -> int:
    if (number := _integer(value)) >= 2**63:
        raise ValueError("Ensure this value is less than 2**63.")
    return number


def _operation(value: object) -> int:
    if (number := _integer(value)) not in (0, 1):
        raise ValueError("Unknown operation")
    return number


def _bytes(value: object) -> bytes:
    text = value.strip().removeprefix("0x") if isinstance(value, str) else None
    try:
        if text is not None:
            return bytes.fromhex(text)
    except ValueError:
        pass
    raise ValueError(f"{value} is not a hexadecimal value.")


def _sized(least: int, most: int) -> BeforeValidator:
    def check(value: object) -> bytes:
        raw = _bytes(value)
        if not raw:
            raise ValueError("This field may not be blank.")
        if len(raw) < least:
            raise ValueError(f"Ensure this field has at least {least} hexadecimal chars (not counting 0x).")
        if len(raw) > most:
            raise ValueError(f"Ensure this field has no more than {most} hexadecimal chars (not counting 0x).")
        return raw

    return BeforeValidator(check)


Anybody = Annotated[str, BeforeValidator(_checksummed)]
Somebody = Annotated[str, BeforeValidator(_somebody)]
Integer = Annotated[int, BeforeValidator(_integer)]
Nonce = Annotated[int, BeforeValidator(_nonce)]
OperationCode = Annotated[int, BeforeValidator(_operation)]
Bytes = Annotated[bytes, BeforeValidator(_bytes)]
Hash = Annotated[bytes, _sized(32, 32)]
Signatures = Annotated[bytes, _sized(65, MAX_SIGNATURES_BYTES)]


class Body(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, frozen=True, extra="ignore")


class ProposalBody(Body):
    to: Anybody
    value: Integer
    data: Bytes | None = None
    operation: OperationCode
    gas_token: Anybody | None = None
    safe_tx_gas: Integer
    base_gas: Integer
    gas_price: Integer
    refund_receiver: Anybody | None = None
    nonce: Nonce
    contract_transaction_hash: Hash
    sender: Somebody
    signature: Signatures | None = None
    origin: Annotated[str, Field(max_length=200)] | None = None


class ConfirmationBody(Body):
    signature: Signatures


class DeletionBody(Body):
    signature: Signatures


class DelegateBody(Body):
    safe: Somebody | None = None
    delegate: Somebody
    delegator: Somebody
    signature: Signatures
    label: Annotated[str, Field(min_length=1, max_length=50)]
    expiry_date: str | None = None


class DelegateRemovalBody(Body):
    safe: Somebody | None = None
    delegator: Somebody
    signature: Signatures


class DataBody(Body):
    data: Annotated[bytes, _sized(4, 200_000)]
    to: Anybody | None = None


class EstimationBody(Body):
    to: Somebody
    value: Integer
    data: Bytes | None = None
    operation: OperationCode


B = TypeVar("B", bound=Body)


def parse(shape: type[B], body: Any, status: int) -> B:
    """`body` as `shape`, or a `Refusal` with `status` that names every field at fault."""
    if not isinstance(body, dict):
        raise Invalid(status, f"Invalid data. Expected a dictionary, but got {type(body).__name__}.")
    try:
        return shape.model_validate(body)
    except ValidationError as error:
        raise Refusal(status, _by_field(error.errors())) from error


def _by_field(errors: list[ErrorDetails]) -> dict[str, list[str]]:
    faults: dict[str, list[str]] = {}
    for fault in errors:
        faults.setdefault(str(fault["loc"][0]), []).append(_sentence(fault))
    return faults


def _sentence(fault: ErrorDetails) -> str:
    if fault["type"] == "missing":
        return "This field is required."
    cause = fault.get("ctx", {}).get("error")
    return str(cause) if cause is not None else fault["msg"]
