"""Pure codecs, one file a protocol: encode, decode, and the reads that facts are made of."""
