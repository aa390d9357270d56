"""The `[model]` table of treasury.toml: the language model that may plan, and how it is reached."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from strongroom.documents import Table
from strongroom.errors import BadValue
from strongroom.quantities import parse_seconds

_THIS_MACHINE = ("127.0.0.1", "::1", "localhost")
_LONGEST_SECONDS = 600


@dataclass(frozen=True, slots=True)
class LanguageModel:
    """An OpenAI-compatible model: its address, its name there, how long one answer may take altogether, and how many
    tokens it may have. The key, where one is needed, is the environment's. `second` is another model, asked the same by
    itself, where the policy wants both to agree."""

    url: str
    name: str
    timeout_seconds: int
    max_tokens: int
    second: LanguageModel | None = None


def language_model(row: Table) -> LanguageModel:
    """The table's values, checked, and those of [model.second] in it. Raises `InputError` naming key and mend."""
    with row:
        first = _one_model(row)
        if not row.has("second"):
            return first
        with row.table("second") as other:
            second = _one_model(other)
            if second.name == first.name:
                # The same model behind another address would only agree with itself.
                raise BadValue(second.name, other.path("name"), "name another model; one alone always agrees")
        return replace(first, second=second)


def _one_model(row: Table) -> LanguageModel:
    return LanguageModel(
        url=_private(row, "url"),
        name=row.text("name"),
        timeout_seconds=_short(row, "timeout", "60 seconds"),
        max_tokens=_at_least_one(row, "max_tokens", 4_096),
    )


def _private(row: Table, key: str) -> str:
    """What the treasury holds is told to the model, and the key with it: never in the clear to another machine."""
    url = row.text(key)
    scheme, host, hidden = _parts(url)
    if hidden:
        raise BadValue(f"{scheme}://{host}/…", row.path(key), "leave out user, query and fragment")
    if scheme not in ("http", "https") or not host or not all("!" <= character <= "~" for character in url):
        raise BadValue(url, row.path(key), "write a full address such as `https://models.example/v1`")
    if scheme == "http" and host not in _THIS_MACHINE:
        raise BadValue(url, row.path(key), "write `https://`; only a model on this machine is reached without")
    return url.rstrip("/")


def _parts(url: str) -> tuple[str, str, bool]:
    """Scheme, host, and whether the address carries what may be a secret; nothing of one that cannot be read."""
    try:
        parts = urlsplit(url)
        if parts.port == 0:
            return "", "", False
    except ValueError:
        return "", "", False
    return parts.scheme, parts.hostname or "", parts.username is not None or bool(parts.query or parts.fragment)


def _short(row: Table, key: str, default: str) -> int:
    text = row.text(key, default)
    seconds = parse_seconds(text, row.path(key))
    if seconds > _LONGEST_SECONDS:
        raise BadValue(text, row.path(key), "write at most `10 minutes`: nothing else is carried out meanwhile")
    return seconds


def _at_least_one(row: Table, key: str, default: int) -> int:
    count = row.integer(key, default)
    if count == 0:
        raise BadValue(count, row.path(key), "write a whole number above zero")
    return count
