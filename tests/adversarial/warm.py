"""What every child of the fork server finds done: which distributions are installed, asked of the disk only once."""

from __future__ import annotations

from functools import cache
from importlib import metadata

metadata.packages_distributions = cache(metadata.packages_distributions)
metadata.packages_distributions()
