"""The whole story on a local world: real contracts, real processes, every step checked as it is told."""
