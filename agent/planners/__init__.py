"""Planners: from an ask, the mandate and facts to typed intents. A planner never writes an address, calldata or wei."""
