"""Why a unit is denied or asked about, and the smallest change that would make it go: found by asking the engine
itself, and verified on both sides of every boundary.

    counterfactuals  the changes as values
    parts            which of a unit's calls belong to which intent
    rewriting        the calls of one intent with another amount
    scaling          the same unit with another amount, or without some intents
    timing           the same unit at a later second
    calendar         the seconds at which time takes something away, or hours and freezes change
    search           the nearest change of the unit that gets the better verdict
    waiting          the first second at which it gets that as it is
    lever            one limit of the policy that people could change
    levers           those that a unit comes up against
    time_levers      those of pace and newcomers
    value_levers     those of outflow in USD, shares, runway and markets
    amending         the last resort: which of them, and to exactly what
    explanation      all of it for one unit
    margins          how far a finding is from its limit, in words
    words            all of it for people, and as plain JSON
"""
