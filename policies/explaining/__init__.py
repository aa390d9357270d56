"""Why a unit is denied or asked about, and the smallest change that would make it go: found by asking the engine
itself, and verified on both sides of every boundary.

    parts          which of a unit's calls belong to which intent
    scaling        the same unit with another amount, or without some intents
    timing         the same unit at a later second
    levers         the limits of the policy that people could change
    search         the nearest change that gets the better verdict
    counterfactuals  the changes as values
    explanation    all of it for one unit
    words          all of it for people, and as plain JSON
"""
