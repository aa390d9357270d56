"""Exact integer models of venues, one a file: what a pool would give, wei for wei."""
