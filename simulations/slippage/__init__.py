"""What a swap really costs: fills taken apart, a model of what happens between quote and inclusion, and its score."""
