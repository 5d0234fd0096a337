"""``python -m saddlelab``: the same as the command ``saddlecore``."""

import sys

from saddlelab.cli import main

# Worker processes that are spawned import this module again: they must not run it.
if __name__ == "__main__":
    sys.exit(main())
