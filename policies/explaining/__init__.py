"""Why a unit is denied or asked about, and the smallest change that would make it go: found by asking the engine
itself, and verified on both sides of every boundary.

    counterfactuals  the changes as values
    parts            which of a unit's calls belong to which intent
    rewriting        the calls of one intent with another amount
    scaling          the same unit with another amount, or without some intents
    timing           the same unit at a later second
    search           the nearest change of the unit that gets the better verdict
    levers           the limits of the policy that people could change
    amending         the last resort: which of them, and to exactly what
    explanation      all of it for one unit
    margins          how far a finding is from its limit, in words
    words            all of it for people, and as plain JSON
"""
