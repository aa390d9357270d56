"""`strongroom report`: one page that tells a run, from the ledger and the chain alone. It imports nothing of the agent.

    markup     text becomes markup only here, so nothing that a stranger wrote can be more than text
    record     the ledger's entries, whether they hold, and each one's proof
    story      the entries as a treasurer tells them: who asked for what, and what became of it
    chain      what the chain says now: the anchored head, holdings, and money that no entry explains
    breaker    every pause, fall, new key and new mark, from the event logs of Kernel and watch
    holdings   a treasury in shares, before and after
    page, …    the page and its sections; `writing` puts it into a file

Every value on the page comes from a ledger that may be damaged or hostile: it is read as plain JSON, never trusted to
have a shape, and what does not fit is left out rather than guessed.
"""
