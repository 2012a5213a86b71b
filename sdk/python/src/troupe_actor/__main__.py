"""The command `python -m troupe_actor`."""

import argparse
import sys
from pathlib import Path

from .build import BuildError, build


def main() -> int:
    """Returns the exit code: 0 built, 1 the module has to be mended, 2 wrong use."""
    parser = argparse.ArgumentParser(prog="python -m troupe_actor")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    one = commands.add_parser("build", help="make a component of a module with one class with @actor")
    one.add_argument("actor", metavar="ACTOR.py", type=Path)
    one.add_argument("-o", "--output", metavar="FILE", type=Path, help="default: the module's name with .wasm")
    one.add_argument("--web", action="store_true", help="let it use ctx.fetch; it also needs a grant for each host")
    given = parser.parse_args()
    output = given.output or given.actor.with_suffix(".wasm")
    try:
        world = build(given.actor, output, web=given.web)
    except BuildError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{output}: {output.stat().st_size / (1 << 20):.1f} MiB, for the world troupe:actor/{world}")
    print(f"next: troupe run {output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
