"""The one socket to a language model: exact bytes out and in, bounded in size and time. It judges nothing."""
