"""From a module to a component, as far as componentize-py is installed."""

import tempfile
import unittest
from importlib.util import find_spec
from pathlib import Path

from troupe_actor import build

TOOL = find_spec("componentize_py") is not None
HERE = Path(__file__).parent
COUNTER = """\
import logging
from troupe_actor import actor, message

@actor
class Counter:
    count: int = 0

    @message
    def inc(self):
        self.count += 1
"""


class Build(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def module(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        return path

    @unittest.skipUnless(TOOL, "componentize-py is not installed")
    def test_a_module_becomes_a_component(self):
        output = self.folder / "counter.wasm"
        self.assertEqual(build.build(self.module("counter.py", COUNTER), output), "whole-actor")
        self.assertEqual(output.read_bytes()[:4], b"\0asm")

    @unittest.skipUnless(TOOL, "componentize-py is not installed")
    def test_what_is_wrong_with_a_module_is_said_with_its_file_and_line(self):
        wrong = [
            ("syntax.py", "x =\n", "^syntax.py:1: "),
            ("top.py", "\nraise ValueError('at the top')\n", '(?s)"top.py", line 2.*ValueError: at the top$'),
            ("clock.py", "import time\nbegan = time.time()\n", '(?s)"clock.py", line 2.*there is no time here'),
            ("nothing.py", "x = 1\n", "nothing has 0 classes with @actor, and wants one$"),
            ("no-name.py", COUNTER, "^no-name.py: the name of a module is letters, digits and _$"),
        ]
        for name, text, reason in wrong:
            with self.subTest(name), self.assertRaisesRegex(build.BuildError, reason) as caught:
                build.build(self.module(name, text), self.folder / "out.wasm")
            self.assertNotIn('File "troupe_actor', str(caught.exception))

    def test_a_module_that_is_not_there_is_said(self):
        with self.assertRaisesRegex(build.BuildError, "^there is no "):
            build.build(self.folder / "none.py", self.folder / "none.wasm")

    def test_the_world_is_the_one_of_the_repository(self):
        repository = HERE.parents[2] / "wit" / "actor" / "actor.wit"
        if not repository.exists():
            self.skipTest("there is no repository around")
        own = HERE.parent / "src" / "troupe_actor" / "wit" / "actor.wit"
        self.assertEqual(own.read_text(), repository.read_text(), "copy wit/actor/actor.wit to sdk/python")
