"""Where a forecast comes from, so that anybody can make it again and get the same numbers."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import rfc8785


@dataclass(frozen=True, slots=True)
class Origin:
    """`data_hash` is of everything the forecast was computed from, `seed` of its random numbers (0 where there are
    none), `version` the code's, `command` the one line that makes it again."""

    data_hash: str
    seed: int
    version: str
    command: str

    def told(self) -> dict[str, Any]:
        """As JSON keys, for `--json` and files."""
        return {"data_hash": self.data_hash, "seed": self.seed, "version": self.version, "command": self.command}

    def footer(self) -> str:
        """One line for the foot of a table or a chart."""
        return f"data {self.data_hash[:12]} · seed {self.seed} · strongroom {self.version}"


def data_hash(inputs: Any) -> str:
    """SHA-256, in hex, of the canonical JSON (RFC 8785) of `inputs`; give integers above 2^53 as decimal strings.
    Raises `rfc8785.CanonicalizationError` on what JSON cannot hold."""
    return hashlib.sha256(rfc8785.dumps(inputs)).hexdigest()
