"""The steps of one unit. Each reads values from graph state, speaks to ports only, and returns what it adds.

State is plain JSON. A step may run again after a crash, so whatever has an effect is safe to repeat: proposals and
broadcasts repeat the same bytes, and the signer's receipt is the same tx.intent entry.
"""
