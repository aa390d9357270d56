"""Codes that contracts revert with instead of words.

Sources: codes of Safe 1.3.0 to 1.5.0 (safe-smart-account, docs/error_codes.md); `Errors.sol` of Aave V3.0.2.
"""

from __future__ import annotations

SAFE = {
    "GS000": "the setup's own call failed",
    "GS001": "the threshold is not set",
    "GS002": "the setup's target has no code",
    "GS010": "not enough gas",
    "GS011": "the gas could not be paid in ether",
    "GS012": "the gas could not be paid in the token",
    "GS013": "the call within failed",
    "GS020": "too few signatures",
    "GS021": "a contract signature points into the signatures",
    "GS022": "a contract signature ends too early",
    "GS023": "a contract signature is cut off",
    "GS024": "a contract does not confirm its signature",
    "GS025": "an owner has not approved the hash",
    "GS026": "a signature is not of an owner, is out of order, or is for another nonce",
    "GS027": "a contract signature is for other data",
    "GS030": "only an owner approves hashes",
    "GS031": "only the Safe itself may do this",
    "GS100": "modules are set up already",
    "GS101": "this can be no module",
    "GS102": "the module is enabled already",
    "GS103": "not the module before it in the list",
    "GS104": "only an enabled module may do this",
    "GS105": "a page must start at a module",
    "GS106": "a page needs a size",
    "GS200": "owners are set up already",
    "GS201": "the threshold is above the number of owners",
    "GS202": "the threshold is zero",
    "GS203": "this can be no owner",
    "GS204": "an owner already",
    "GS205": "not the owner before it in the list",
    "GS300": "the guard does not say that it is one",
    "GS301": "the module guard does not say that it is one",
    "GS400": "the handler cannot be the Safe itself",
}
_AAVE = """
CALLER_NOT_POOL_ADMIN CALLER_NOT_EMERGENCY_ADMIN CALLER_NOT_POOL_OR_EMERGENCY_ADMIN CALLER_NOT_RISK_OR_POOL_ADMIN
CALLER_NOT_ASSET_LISTING_OR_POOL_ADMIN CALLER_NOT_BRIDGE ADDRESSES_PROVIDER_NOT_REGISTERED
INVALID_ADDRESSES_PROVIDER_ID NOT_CONTRACT CALLER_NOT_POOL_CONFIGURATOR CALLER_NOT_ATOKEN INVALID_ADDRESSES_PROVIDER
INVALID_FLASHLOAN_EXECUTOR_RETURN RESERVE_ALREADY_ADDED NO_MORE_RESERVES_ALLOWED EMODE_CATEGORY_RESERVED
INVALID_EMODE_CATEGORY_ASSIGNMENT RESERVE_LIQUIDITY_NOT_ZERO FLASHLOAN_PREMIUM_INVALID INVALID_RESERVE_PARAMS
INVALID_EMODE_CATEGORY_PARAMS BRIDGE_PROTOCOL_FEE_INVALID CALLER_MUST_BE_POOL INVALID_MINT_AMOUNT INVALID_BURN_AMOUNT
INVALID_AMOUNT RESERVE_INACTIVE RESERVE_FROZEN RESERVE_PAUSED BORROWING_NOT_ENABLED STABLE_BORROWING_NOT_ENABLED
NOT_ENOUGH_AVAILABLE_USER_BALANCE INVALID_INTEREST_RATE_MODE_SELECTED COLLATERAL_BALANCE_IS_ZERO
HEALTH_FACTOR_LOWER_THAN_LIQUIDATION_THRESHOLD COLLATERAL_CANNOT_COVER_NEW_BORROW
COLLATERAL_SAME_AS_BORROWING_CURRENCY AMOUNT_BIGGER_THAN_MAX_LOAN_SIZE_STABLE NO_DEBT_OF_SELECTED_TYPE
NO_EXPLICIT_AMOUNT_TO_REPAY_ON_BEHALF NO_OUTSTANDING_STABLE_DEBT NO_OUTSTANDING_VARIABLE_DEBT UNDERLYING_BALANCE_ZERO
INTEREST_RATE_REBALANCE_CONDITIONS_NOT_MET HEALTH_FACTOR_NOT_BELOW_THRESHOLD COLLATERAL_CANNOT_BE_LIQUIDATED
SPECIFIED_CURRENCY_NOT_BORROWED_BY_USER - INCONSISTENT_FLASHLOAN_PARAMS BORROW_CAP_EXCEEDED SUPPLY_CAP_EXCEEDED
UNBACKED_MINT_CAP_EXCEEDED DEBT_CEILING_EXCEEDED UNDERLYING_CLAIMABLE_RIGHTS_NOT_ZERO STABLE_DEBT_NOT_ZERO
VARIABLE_DEBT_SUPPLY_NOT_ZERO LTV_VALIDATION_FAILED INCONSISTENT_EMODE_CATEGORY PRICE_ORACLE_SENTINEL_CHECK_FAILED
ASSET_NOT_BORROWABLE_IN_ISOLATION RESERVE_ALREADY_INITIALIZED USER_IN_ISOLATION_MODE_OR_LTV_ZERO INVALID_LTV
INVALID_LIQ_THRESHOLD INVALID_LIQ_BONUS INVALID_DECIMALS INVALID_RESERVE_FACTOR INVALID_BORROW_CAP INVALID_SUPPLY_CAP
INVALID_LIQUIDATION_PROTOCOL_FEE INVALID_EMODE_CATEGORY INVALID_UNBACKED_MINT_CAP INVALID_DEBT_CEILING
INVALID_RESERVE_INDEX ACL_ADMIN_CANNOT_BE_ZERO INCONSISTENT_PARAMS_LENGTH ZERO_ADDRESS_NOT_VALID INVALID_EXPIRATION
INVALID_SIGNATURE OPERATION_NOT_SUPPORTED DEBT_CEILING_NOT_ZERO ASSET_NOT_LISTED INVALID_OPTIMAL_USAGE_RATIO
INVALID_OPTIMAL_STABLE_TO_TOTAL_DEBT_RATIO UNDERLYING_CANNOT_BE_RESCUED ADDRESSES_PROVIDER_ALREADY_ADDED
POOL_ADDRESSES_DO_NOT_MATCH STABLE_BORROWING_ENABLED SILOED_BORROWING_VIOLATION RESERVE_DEBT_NOT_ZERO
FLASHLOAN_DISABLED
"""
AAVE = {str(number): name for number, name in enumerate(_AAVE.split(), 1) if name != "-"}
"""By the number that is the whole text of the revert."""


def explained(text: str) -> str:
    """`text`, with what it stands for where it is a code."""
    meaning = SAFE.get(text) or AAVE.get(text)
    return f"{text} ({meaning})" if meaning else text
