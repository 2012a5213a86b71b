"""From an author's module to a component: componentize-py puts it and a CPython into one, imported and ready."""

import re
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

_PACKAGE = Path(__file__).parent
_WIT = _PACKAGE / "wit" / "actor.wit"
_ENTRY = "troupe_actor_entry"
#: What componentize-py takes; the world's name must not be a module's.
_TESTED = "0.25.1"

_SOURCE = """\
from troupe_actor import ambient
ambient.install()
import {module} as module
from troupe_actor.component import exports
from wit_world.imports import {imports}
Handler, Migration, Description = exports(module, runtime, types{web})
"""


class BuildError(Exception):
    """Something that the author has to mend; its text says what and where."""


def build(path: Path, output: Path, *, web: bool = False) -> str:
    """Builds a component of the module at `path`, and returns the name of the world that it is for."""
    path = path.resolve()
    if not path.is_file():
        raise BuildError(f"there is no {path}")
    if not path.stem.isidentifier():
        raise BuildError(f"{path.name}: the name of a module is letters, digits and _")
    if find_spec("componentize_py") is None:
        raise BuildError(f"componentize-py is not installed: pip install componentize-py=={_TESTED}")
    try:
        compile(path.read_bytes(), path.name, "exec")
    except SyntaxError as error:
        raise BuildError(f"{path.name}:{error.lineno}: {error.msg}") from None
    world = "whole-web-actor" if web else "whole-actor"
    imports, given = ("http, runtime, types", ", http") if web else ("runtime, types", "")
    with tempfile.TemporaryDirectory() as folder:
        entry = Path(folder) / f"{_ENTRY}.py"
        entry.write_text(_SOURCE.format(module=path.stem, imports=imports, web=given))
        places = [part for place in (folder, path.parent, _PACKAGE.parent) for part in ("-p", str(place))]
        command = ["-q", "-d", str(_WIT), "-w", world, "componentize", "--stub-wasi", *places]
        command += [_ENTRY, "-o", str(output)]
        script = "import sys, componentize_py; sys.exit(componentize_py.script())"
        made = subprocess.run([sys.executable, "-c", script, *command], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        raise BuildError(f"{path.name} could not be imported:\n{_said(made.stdout + made.stderr)}")
    return world


def _said(output: str) -> str:
    """Of what componentize-py prints, the traceback of the module, in the author's own folder and without this package."""
    begins = output.rfind("Traceback (most recent call last)", 0, output.find("\n\nCaused by"))
    said = re.sub(r'File "/\d+/', 'File "', output[max(begins, 0) :].split("\n\n")[0].strip())
    return re.sub(r'^  File "troupe_actor[^\n]*\n(?:    [^\n]*\n)*', "", said, flags=re.MULTILINE)
