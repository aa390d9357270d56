"""Every table and key of policy.toml in one place: what editors check by, and what the reference is written from."""
