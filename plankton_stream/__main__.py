"""`python -m plankton_stream` is `plankton`: how `plankton up` starts its children."""

from plankton_stream.cli import main

if __name__ == "__main__":
    main()
