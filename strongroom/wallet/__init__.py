"""What reaches the Safe: the guardians' queue, signatures, and the lanes that send."""
