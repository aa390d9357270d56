"""A policy judges what a Safe really did: rows of a history, the facts that it holds, verdicts and their sums."""
