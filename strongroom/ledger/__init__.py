"""The audit log: entries, Merkle tree, disclosures, checkpoints, anchors and verification.

A ledger is a folder (mode 0700):

    log         frames, appended and synced before `append` returns; zeros after the last frame are space set aside
    durable     how many entries and bytes were synced; a lower bound that says which missing bytes were acknowledged
    blobs/      large confidential values, each encrypted under its own key; the key lies in the log's private frame
    key         Ed25519 key of the log; its public half is in the genesis entry. Never a key that spends
    signed      the largest size and root ever signed, synced before the signature is made
    checkpoint  the newest signed checkpoint

`log` is a sequence of frames `kind (1 byte) | length (u32 LE) | crc32c (u32 LE, over the rest) | payload`. Kind `E` is
an entry. Kind `P`, right before its entry, holds the disclosures of that entry's confidential fields, one a line;
erasing one overwrites it with dots. The tree covers `E` payloads only: a log without its `P` frames proves as much.
"""
