"""What people write wrongly in policy.toml: each time one line that says where, what, and how to mend it."""

from __future__ import annotations

import re

import pytest

from policies.cases import sample
from policies.document import load
from strongroom.errors import InputError

TEXT = sample("active_treasury")[0]

WRONG = (
    ("chain_id = 31337", 'chain_id = "31337"'),
    ("chain_id = 31337", "chain_id = 0"),
    ("chain_id = 31337", "chain_id = -1"),
    ("chain_id = 31337", "chain = 31337"),
    ("0x0b551D0087c1f74C9932c9a1fe3EF8E572feb4dE", "0x0b551D"),
    ("0x0b551D0087c1f74C9932c9a1fe3EF8E572feb4dE", "0x0b551d0087c1f74C9932c9a1fe3EF8E572feb4dE"),
    ("0x0b551D0087c1f74C9932c9a1fe3EF8E572feb4dE", "treasury.eth"),
    ('safe = "0x0b551D0087c1f74C9932c9a1fe3EF8E572feb4dE"', "safe = 42"),
    ("decimals = 6", "decimals = 6.5"),
    ("decimals = 6", "decimals = -1"),
    ("decimals = 6", "decimals = 99"),
    ("decimals = 6", "decimals = true"),
    ('max_age = "25 hours"', 'max_age = "25 hrs"'),
    ('max_age = "25 hours"', "max_age = 25"),
    ('max_age = "25 hours"', 'max_age = "0 hours"'),
    ('max_age = "25 hours"', 'max_age = "1.5 hours"'),
    ('max_age = "25 hours"', 'max_age = "-1 hours"'),
    ('keep = "100_000 USDC"', 'keep = "100_000"'),
    ('keep = "100_000 USDC"', "keep = 100000"),
    ('keep = "100_000 USDC"', 'keep = "100_000 DAI"'),
    ('keep = "100_000 USDC"', 'keep = "100_000.1234567 USDC"'),
    ('keep = "100_000 USDC"', 'keep = "-5 USDC"'),
    ('keep = "100_000 USDC"', 'keep = "1e5 USDC"'),
    ('keep = "100_000 USDC"', 'keep = "100k USDC"'),
    ('keep = "100_000 USDC"', 'keep = "all USDC"'),
    ('keep = "100_000 USDC"', 'keep = "NaN USDC"'),
    ('keep = "100_000 USDC"', 'keep = "$100_000"'),
    ('keep = "100_000 USDC"', 'keep = "100_000USDC"'),
    ('keep = "100_000 USDC"', 'keep = ""'),
    ('keep = "100_000 USDC"', "keep = []"),
    ('keep = "100_000 USDC"', 'kep = "100_000 USDC"'),
    ('price_as = "WETH"', 'price_as = "BTC"'),
    ('price_as = "WETH"', 'price_as = "USDC"'),
    ('class = "team"', 'class = "tem"'),
    ('class = "team"', 'class = "Team X"'),
    ('class = "team"\n', ""),
    ('at_most = ["15_000 USDC"]', 'at_most = "15_000 USDC"'),
    ('at_most = ["15_000 USDC"]', "at_most = []"),
    ('at_most = ["15_000 USDC"]', 'at_most = ["15_000 BTC"]'),
    ('at_most = ["15_000 USDC"]', 'at_most = ["15_000 USDC", "1 USDC"]'),
    ('at_most = ["15_000 USDC"]', 'at_most = ["0 USDC"]'),
    ('note = "front end"', 'note = "front\\nend"'),
    ('note = "front end"', "note = 7"),
    ('note = "front end"', 'delay = "10 minutes"'),
    ('note = "front end"', 'delay = "90 days"'),
    ('note = "front end"', 'since = "01/11/2026"'),
    ('note = "front end"', 'since = "2026-02-30"'),
    ('note = "front end"', "since = 2026-11-01"),
    ('note = "front end"', 'often = "3 a day"'),
    ('note = "front end"', 'operator = ""'),
    ('note = "front end"', 'guardian = "0x0000000000000000000000000000000000000001"'),
    ("[payees.bob]", '[payees."bob smith"]'),
    ("[payees.bob]", "[payees.alice]"),
    ("[payees.bob]", "[payee.bob]"),
    ("0xB0Dca2f0C2751A05BB68757e406BAD8785A372d6", "0x2564E941F97E9E104458125beAbDafA4252Ce8BE"),
    ("0xB0Dca2f0C2751A05BB68757e406BAD8785A372d6", "0x0000000000000000000000000000000000000000"),
    ("0xB0Dca2f0C2751A05BB68757e406BAD8785A372d6", "0x0b551D0087c1f74C9932c9a1fe3EF8E572feb4dE"),
    ('every = "3 weeks"', 'every = "monthly"'),
    ('every = "3 weeks"', 'every = "1 month"'),
    ('every = "3 weeks"', 'every = "0 weeks"'),
    ('payee = "alice"', 'payee = "alise"'),
    ('amount = "11_000 USDC"', 'amount = "11_000 DAI"'),
    ('amount = "11_000 USDC"', 'amount = "111_000 USDC"'),
    ('kind = "uniswap_v3"', 'kind = "uniswap_v5"'),
    ('fee = "0.05 %"', 'fee = "0.05"'),
    ('fee = "0.05 %"', "fee = 0.05"),
    ('fee = "0.05 %"', 'fee = "500 bps"'),
    ('tokens = ["WETH", "USDC"]', 'tokens = ["WETH"]'),
    ('tokens = ["WETH", "USDC"]', 'tokens = ["WETH", "WETH"]'),
    ('tokens = ["WETH", "USDC"]', 'tokens = ["WETH", "UDSC"]'),
    ('cap = "30_000 USDC per 30 days"', 'cap = "30_000 USDC"'),
    ('cap = "30_000 USDC per 30 days"', 'cap = "30_000 USDC a month"'),
    ('cap = "30_000 USDC per 30 days"', 'cap = "30_000 USDC per month"'),
    ('cap = "30_000 USDC per 30 days"', 'cap = "10_000 USDC per 30 days"'),
    ('cap = "30_000 USDC per 30 days"', 'cap = "0 USDC per 30 days"'),
    ('cap = "30_000 USDC per 30 days"', 'cap = "30_000 DAI per 30 days"'),
    ('at_once = "15_000 USDC"', 'at_once = "0 USDC"'),
    ('"2 guardians above 12_000 USDC per day"', '"two guardians above 12_000 USDC per day"'),
    ('"2 guardians above 12_000 USDC per day"', '"9 guardians above 12_000 USDC per day"'),
    ('"2 guardians above 12_000 USDC per day"', '"2 guardians above 12_000 USDC"'),
    ('"2 guardians above 12_000 USDC per day"', '"2 guardians above 22_000 USDC per day"'),
    ('"2 guardians above 12_000 USDC per day"', '"0 guardians above 12_000 USDC per day"'),
    ('never_above = "60_000 USDC"', 'never_above = "60_000 USD"'),
    ("[caps.team.USDC]", "[caps.team.USDT]"),
    ("[caps.team.USDC]", "[caps.tem.USDC]"),
    ('model_alone = "5 WETH"', 'model_alone = "500 WETH"'),
    ('cap = "150_000 USD per 30 days"', 'cap = "150_000 USDC per 30 days"'),
    ('cap = "150_000 USD per 30 days"', 'cap = "150_000 $ per 30 days"'),
    ('unpriced = ["HALL"]', 'unpriced = ["USDC"]'),
    ('unpriced = ["HALL"]', ""),
    ('WETH = "70 %"', 'WETH = "170 %"'),
    ('WETH = "70 %"', "WETH = 0.7"),
    ('WETH = "70 %"', 'WETH = "70"'),
    ('WETH = "70 %"', 'HALL = "70 %"'),
    ('stables_least = "25 %"', 'stables_least = "125 %"'),
    ('stables = ["USDC", "DAI"]', 'stables = "USDC"'),
    ('least = "120 days"', 'least = "4 months"'),
    ('spend = "45_000 USD per 30 days"', 'spend = "0 USD per 30 days"'),
    ("approvals = 2", "approvals = 0"),
    ("approvals = 2", "approvals = 4"),
    ("approvals = 2", 'approvals = "2"'),
    ('"0x3a2447F4b4fa9ffd89a79C291c2aC5FD50F25aEd"', '"0xa72bA7222EACc09aAB7973914186bCc56E3ea951"'),
    ("sources = 2", "sources = 5"),
    ("sources = 2", "sources = 0"),
    ('max_deviation = "1.5 %"', 'max_deviation = "15"'),
    ('max_loss = "1 %"', 'max_loss = "1.005 %"'),
    ('max_loss = "1 %"', 'max_loss = "-1 %"'),
    ('max_loss = "1 %"', 'max_loss = "100 %"'),
    ('average_over = "30 minutes"', ""),
    ('calm = "3 %"', 'calm = "0 %"'),
    ('cap = "48 per day"', 'cap = "48"'),
    ('cap = "48 per day"', "cap = 48"),
    ("at_once = 24", "at_once = 99"),
    ('config_delay = "2 days"', 'config_delay = "10 minutes"'),
    ('window = "7 days"', 'window = "1 hour"'),
    ('max_drawdown = "10 %"', 'max_drawdown = "0 %"'),
    ("confirm_blocks = 25", "confirm_blocks = 0"),
    ('own_token = "0xa0c9F3a4E46044AA127e118196209B9ea686F0a3"', 'own_token = "HALL"'),
    ("max_units = 2000000", "max_units = 2e6"),
    ('max_price = "150 gwei"', 'max_price = "150"'),
    ('max_price = "150 gwei"', "max_price = 150"),
    ('max_price = "150 gwei"', 'max_price = "150 wei"'),
    ("[gas]", "[gass]"),
    ("[gas]", "[gas"),
    ("max_units = 2000000", "max_units = 2000000\nmax_units = 3"),
    ('keep = "100_000 USDC"', 'keep = "' + "9" * 90 + ' USDC"'),
    ('keep = "100_000 USDC"', 'keep = "1,5 USDC"'),
    ('keep = "100_000 USDC"', 'keep = "100.000,00 USDC"'),
)


def refusal(old: str, new: str) -> str:
    assert old in TEXT
    with pytest.raises(InputError) as refused:
        load(TEXT.replace(old, new, 1))
    return str(refused.value)


@pytest.mark.parametrize(("old", "new"), WRONG)
def test_each_is_refused_in_one_line_with_a_mend_and_nothing_of_python(old: str, new: str) -> None:
    said = refusal(old, new)
    assert "\n" not in said and "; " in said
    assert not re.search(r"\('|',\)|\bTrue\b|\bNone\b|Error", said)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("decimals = 6", "decimals = true", "line 18: `true` cannot be used for `decimals`"),
        (
            'at_most = ["15_000 USDC"]',
            'at_most = ["15_000 USDC", "1 USDC"]',
            '`["15_000 USDC", "1 USDC"]` cannot',
        ),
        ('every = "3 weeks"', 'every = "1 month"', "line 100: `1 month` cannot be used for `every`"),
        ('class = "team"', 'class = "Team X"', "a name starts with a letter"),
        (
            'cap = "30_000 USDC per 30 days"',
            'cap = "10_000 USDC per 30 days"',
            "`15,000.00 USDC` cannot",
        ),
        (
            'never_above = "60_000 USDC"',
            'never_above = "14_999 USDC"',
            "`15,000.00 USDC` cannot",
        ),
        ('model_alone = "5 WETH"', 'model_alone = "500 WETH"', "it is at most `at_once`, 20.00 WETH"),
        ("at_once = 24", "at_once = 99", "write 1 to 43"),
        ("approvals = 2", "approvals = 4", "between one and the number of members, 3"),
        (
            'max_loss = "1 %"',
            'max_loss = "1 %"\nloss_cap = "9 USD per day"\nloss_at_once = "9 USD"',
            "`9 USD` cannot be used",
        ),
        ('max_drawdown = "10 %"', 'max_drawdown = "0 %"', "`0 %` cannot be used"),
    ],
)
def test_the_value_is_shown_as_it_was_meant_beside_what_it_must_keep_to(old: str, new: str, said: str) -> None:
    assert said in refusal(old, new)
