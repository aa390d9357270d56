"""Pure judgement: a policy document, the engine that decides under it, and the Kernel rules it compiles to."""
