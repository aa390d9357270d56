"""What humans use, alive with the agent stopped."""
