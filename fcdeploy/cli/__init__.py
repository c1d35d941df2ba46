"""The command line: click commands, one module a command group. The only package that prints or exits."""


def main() -> None:
    """Run the command line of this process and exit with its code (S39)."""
    import gc
    import sys

    # A command builds large trees and ends: looking through them for cycles, again and again, doubles its time.
    gc.set_threshold(1_000_000, 20, 100)
    from fcdeploy.cli.entry import run

    code = run(sys.argv[1:])
    # All that is left goes with the process: an interpreter looks through it for cycles once more before it ends, which
    # takes a quarter of a second after a plan of two thousand resources.
    gc.freeze()
    sys.exit(code)
