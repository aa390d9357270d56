"""`python -m agent.cli`: the same command line without the console script."""

from agent.cli import main

if __name__ == "__main__":
    main()
