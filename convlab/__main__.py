"""``python -m convlab``: the command ``convlab``."""

from convlab_cli.main import main

if __name__ == "__main__":
    main()
