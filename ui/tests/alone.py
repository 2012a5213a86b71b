"""The page as one file, without a node."""

import subprocess
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from browser import ROOT, TROUPE, Explorer
from nodes import Node


class Files:
    """A server of a folder, and of nothing else."""

    def __init__(self, folder):
        class Handler(SimpleHTTPRequestHandler):
            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


class Alone(Explorer):
    """Bundles of an actor, in a page that was opened from a disk and from any server."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.at = Path(cls.folder.name)
        component = str(ROOT / "actors/counter/counter.wasm")
        with Node(TROUPE, "run", component, "--name", "counter", "--store", str(cls.at / "store")) as node:
            for add in range(1, 30):
                node.post("/", {"add": add})
            node.run("export", "counter", str(cls.at / "counter.car"))
        cls.write("page.html")
        cls.write("counter.html", "--bundle", str(cls.at / "counter.car"))

    @classmethod
    def write(cls, name, *more):
        subprocess.run([TROUPE, "ui", str(cls.at / name), *more], check=True, stdout=subprocess.DEVNULL)

    def test_a_page_on_a_disk_takes_a_bundle_and_runs_it_again(self):
        page = self.page(width=900)
        page.goto(f"file://{self.at}/page.html")
        page.wait_for_selector("#bundle", state="attached")
        self.picture(page, "alone")
        page.set_input_files("#bundle", self.at / "counter.car")
        said = self.verdict(page, "run")
        self.assertIn("every state, reply and effect came out the same", said)
        page.keyboard.press("ArrowLeft")
        page.wait_for_selector(".changes")
        self.picture(page, "alone-bundle")
        self.quiet("file:///")

    def test_a_page_with_a_bundle_in_it_shows_that(self):
        with Files(self.at) as server:
            page = self.page()
            page.goto(f"{server.url}/counter.html")
            said = self.verdict(page, "run")
            self.assertIn("31 of 31", said)
            page.keyboard.press("Home")
            page.wait_for_selector(".entry-head .seq:text-is('#0')")
            page.reload()
            self.verdict(page, "run")
            # A browser asks for an icon of the server, and for nothing else.
            self.assertEqual({url.split("#")[0] for url in self.asked if not url.startswith(("blob:", "data:"))}, {f"{server.url}/counter.html"})

    def test_a_bundle_that_was_changed_is_found_without_a_node(self):
        bundle = (self.at / "counter.car").read_bytes()
        assert bundle.count(b'{"add":12}') == 1
        (self.at / "changed.car").write_bytes(bundle.replace(b'{"add":12}', b'{"add":21}'))
        self.write("changed.html", "--bundle", str(self.at / "changed.car"))
        page = self.page()
        page.goto(f"file://{self.at}/changed.html")
        said = self.verdict(page, "wrong")
        self.assertIn("False at #13", said)
        self.assertIn("31 of 31", said)
