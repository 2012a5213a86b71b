"""What a node signed, in the page: who cosigned it, and whether it goes on from what the browser saw before."""

import json
import shutil
import subprocess
import time
import urllib.error
from pathlib import Path

from browser import NAMELESS, PALE, ROOT, TROUPE, Explorer
from nodes import Node, Running, Server

COUNTER = str(ROOT / "actors/counter/counter.wasm")


class Witness(Running):
    """A running witness of one log."""

    def __init__(self, folder, log):
        super().__init__(TROUPE, "witness", "--folder", str(folder), "--log", log)
        self.key = self.said["key"]


def leaves(node):
    """How many leaves the node's log has, as far as it is signed."""
    try:
        return int(node.get("/checkpoint").splitlines()[1])
    except urllib.error.HTTPError:
        return 0


def until(holds):
    """Waits until something holds: a node signs about a second after a commit."""
    ends = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < ends, "a minute was not enough"
        time.sleep(0.05)


class Signed(Explorer):
    """Nodes of one store."""

    def setUp(self):
        self.store = Path(self.folder.name) / self._testMethodName
        # The store gets its key, so that a witness can be told of it.
        with Node(TROUPE, "run", COUNTER, "--name", "counter", "--store", str(self.store)):
            pass
        show = [TROUPE, "--json", "key", "show", str(self.store)]
        self.key = json.loads(subprocess.run(show, check=True, capture_output=True).stdout)["key"]

    def node(self, *arguments, store=None):
        return Node(TROUPE, "serve", "--store", str(store or self.store), *arguments)

    def test_a_log_is_cosigned_and_goes_on_from_what_was_seen(self):
        with Witness(Path(self.folder.name) / "witness", self.key) as witness:
            with self.node("--witness", f"{witness.url}={witness.key}") as node:
                node.post("/actors/counter", {"add": 1})
                until(lambda: leaves(node) > 0 and b"troupe.witness/" in node.get("/checkpoint"))
                page = self.page()
                page.goto(f"{node.url}/ui/")
                page.wait_for_selector(".log:has-text('this browser has not seen it before')")
                cosigned = ".log .facts > div:has(dt:text('Cosigned by'))"
                page.wait_for_selector(f"{cosigned} .mark-said")
                self.assertIn(witness.key.split("+")[0], page.inner_text(cosigned))
                page.click(".keys-form summary")
                page.fill("#keys", "no key")
                page.click(".keys-form button")
                page.wait_for_selector(".keys-form :text('it is no key')")
                page.fill("#keys", f"{witness.key}\n{self.key}")
                page.click(".keys-form button")
                page.wait_for_selector(f"{cosigned} .mark-checked")
                page.wait_for_selector(".log .facts > div:has(dt:text('Signed by')) .mark-checked")
                self.assertEqual(page.evaluate(NAMELESS), [])
                self.assertEqual(page.evaluate(PALE), [])
                self.picture(page, "signed")

                before = leaves(node)
                node.post("/actors/counter", {"add": 2})
                until(lambda: leaves(node) > before)
                page.reload()
                page.wait_for_selector(".log:has-text('it goes on from what this browser saw on')")
                self.picture(page, "signed-again")
                page.goto(f"{node.url}/ui/#/counter")
                self.verdict(page, "run")
                page.wait_for_selector(".cell-checked:has(h2:text('Signed by the node')):has-text('cosigned by troupe.witness/')")
                self.picture(page, "signed-actor")
                self.quiet(node.url)
                for title, path in [("signed-small", ""), ("signed-actor-small", "#/counter")]:
                    page = self.page(width=375, height=812, dark=True)
                    page.goto(f"{node.url}/ui/{path}")
                    page.wait_for_selector(":is(.log, .cell):has-text('troupe.witness/')")
                    # What is drawn anew while it is scrolled to is no fault.
                    page.evaluate("document.querySelector('.log, .cell:last-child').scrollIntoView()")
                    self.assertLessEqual(page.evaluate("document.documentElement.scrollWidth"), 375)
                    self.assertEqual(page.evaluate(PALE), [])
                    self.picture(page, title)

    def test_a_store_that_was_set_back_and_went_on_otherwise_is_found(self):
        copy = Path(self.folder.name) / "set-back"
        shutil.copytree(self.store, copy)
        page = self.page()
        with self.node() as node:
            for add in (1, 2):
                node.post("/actors/counter", {"add": add})
                until(lambda: leaves(node) >= add)
            server = self.enterContext(Server(node.url, lambda *_: None))
            page.goto(f"{server.url}/ui/#/counter")
            self.verdict(page, "run")
            page.wait_for_selector(".cell-checked h2:text('Signed by the node')")
        with self.node(store=copy) as node:
            server.node_url = node.url
            node.post("/actors/counter", {"add": 7})
            until(lambda: leaves(node) > 0)
            page.reload()
            said = self.verdict(page, "wrong")
            self.assertIn("the node signed another log than this browser saw on", said)
            self.picture(page, "set-back")
            page.goto(f"{server.url}/ui/")
            page.wait_for_selector(".log .mark-wrong")
            self.picture(page, "set-back-node")
