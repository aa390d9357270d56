"""What a treasury may become under its mandate and its policy: prices, the agent's day on each path, the measures."""
