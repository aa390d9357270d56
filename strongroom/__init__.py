"""The nouns and the doors: values, ports, and the adapters that reach chain, key, ledger and disk."""
