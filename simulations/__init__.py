"""Rehearsal of real actions, exact pool mathematics, routing and treasury risk."""
