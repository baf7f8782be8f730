"""``python3 -m wizara``: sets wizara up at the first run, then is the ``wizara`` command."""

import sys

from wizara.bootstrap import prepare

if __name__ == "__main__":
    arguments = sys.argv[1:]
    try:
        prepare(arguments)
        from wizara.cli.main import main

        main(arguments)
    except KeyboardInterrupt:  # while it was still loading; later ones are told by main itself
        sys.exit(130)
