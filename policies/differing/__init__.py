"""What becomes looser or tighter between two policies, key by key, and a plan that shows it."""
