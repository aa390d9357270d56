"""Data that ships with the simulations; where each file comes from stands in README.md beside it."""
