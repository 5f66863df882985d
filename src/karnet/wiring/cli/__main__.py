"""`python -m karnet.wiring.cli` is `karnet`, for whoever starts it by the interpreter."""

from karnet.wiring.cli import main

if __name__ == "__main__":
    main()
