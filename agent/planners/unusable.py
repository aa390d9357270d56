"""Why a model's answer is not used."""

from __future__ import annotations


class Unusable(Exception):
    """The reason, for people: our own words, with at most a short, escaped piece of the answer's."""
