"""The one socket to a node: the real `Chain` port over JSON-RPC."""
