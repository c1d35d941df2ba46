"""The command line: click commands, one module a command group. The only package that prints or exits."""


def main() -> None:
    """Run the command line of this process and exit with its code (S39)."""
    import sys

    from fcdeploy.cli.entry import run

    sys.exit(run(sys.argv[1:]))
