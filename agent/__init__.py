"""The treasurer: plans, graph, runner and command line."""
