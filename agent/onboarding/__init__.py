"""Coming in and staying well: what `strongroom init` reads and writes, and what `strongroom doctor` checks."""
