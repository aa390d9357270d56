"""What a Kernel answers to a call, worked out in plain integers: `evaluator.evaluate`.

Written from the Kernel's documents (`contracts/README.md`, the interfaces' NatSpec, ADR 0002), not from its code, and
held against the deployed bytecode by `tests/differential`. It asks nobody: what is outside the Kernel comes in as
`values.Facts`.
"""
