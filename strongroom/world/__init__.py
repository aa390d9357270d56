"""A local chain with real contracts from registry bytecode, for demo and tests; no live treasury imports it."""
