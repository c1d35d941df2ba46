"""`python -m fcdeploy`."""

from fcdeploy.cli import main

if __name__ == "__main__":
    main()
