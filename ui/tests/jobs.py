"""Core modules in the explorer: run again like components, and whatever they try, nothing is said of them that was not seen."""

import subprocess
from pathlib import Path

from browser import TROUPE, Explorer
from modules import MODULES
from nodes import Forged, Node, Server, name

#: Two pages of memory: those that ask for more are denied it.
LIMITS = ["--limit", "memory=131072", "--limit", "fuel=50000000"]
#: For whom a module acts in the commons: there is none at this node, which is an answer like any other.
GRANTS = ["--grant", "commons:mana-read", "--grant", "commons:mana-spend", "--grant", f"commons-for:{'7' * 64}"]
MESSAGES = {"appends": ['{"a":1}', '{"b":2}', '{"c":3}']}


class Jobs(Explorer):
    """A node with a module for each way to behave."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = Path(cls.folder.name)
        cls.node = cls.enterClassContext(Node(TROUPE, "serve", "--store", str(folder / "jobs.store")))
        for title, module in MODULES.items():
            file = folder / f"{title}.wasm"
            file.write_bytes(module)
            cls.node.run("start", str(file), "--name", title, *LIMITS, *(GRANTS if title == "asks" else []))
            for message in MESSAGES.get(title, ["{}"]):
                # Most of them fail, which is recorded.
                command = [TROUPE, "send", title, message, "--node", cls.node.url]
                subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def opened(self, url, title, kind):
        page = self.page()
        page.goto(f"{url}/ui/#/{title}/2")
        return page, self.verdict(page, kind)

    def marked(self, page, seq):
        """The mark of an entry in the list."""
        return page.locator(f".row[data-seq='{seq}'] .mark").first.get_attribute("aria-label")

    def test_a_module_with_a_state_is_run_again_message_by_message(self):
        page, said = self.opened(self.node.url, "appends", "run")
        self.assertIn("5 of 5", said)
        self.assertIn("every state, reply and effect came out the same", said)
        self.assertEqual([self.marked(page, seq) for seq in (1, 2, 3, 4)], ["run again here"] * 4)
        self.picture(page, "module")
        self.quiet(self.node.url)

    def test_what_a_module_fails_with_by_itself_and_what_it_is_denied_come_out_the_same(self):
        for title in ("starts", "asks", "greedy", "traps", "refuses", "divides"):
            with self.subTest(title):
                page, said = self.opened(self.node.url, title, "run")
                self.assertNotIn("trust", said)
                self.assertEqual(self.marked(page, 2), "run again here")

    def test_what_it_read_comes_from_the_entry_and_what_it_asked_for_is_compared(self):
        page, _ = self.opened(self.node.url, "asks", "run")
        self.assertEqual(self.marked(page, 2), "run again here")
        self.picture(page, "module-asks")
        found = b'{"value":7}'
        for change, says in [
            (lambda data: data["calls"][0].update(out=name(found)), "reply"),
            (lambda data: data["calls"][0].update(fn="icn.host_get_reputation"), "calls"),
            (lambda data: data.pop("calls"), "calls"),
            (lambda data: data["effects"][0]["send"].update(message=name(found)), "effects"),
            (lambda data: data.pop("effects"), "effects"),
        ]:
            with self.subTest(says):
                shown = f".verdict .fault:has-text('{says}')"
                self.assertEqual(self.mark_of_lie("asks", shown, change, [found]), "wrong")

    def test_a_limit_that_browsers_do_not_have_is_taken_on_trust_and_says_so(self):
        for title in ("greedy-traps", "endless", "deep"):
            with self.subTest(title):
                page, _ = self.opened(self.node.url, title, "checked")
                page.wait_for_selector(".cell:has-text('1 failure by limits that browsers do not have taken on trust')")
                self.assertIn("run again but for one entry", page.inner_text(".verdict"))
                self.assertEqual(self.marked(page, 2), "checked here")
                self.assertIn("Not run again here", page.inner_text(".not-run"))
        self.picture(page, "module-on-trust")

    def mark_of_lie(self, title, shown, change, blobs=()):
        """The mark of an entry that says something else, once this is shown."""
        forged = Forged(self.node, title, 2, change, blobs)
        with Server(self.node.url, forged.lie) as server:
            page = self.page()
            page.goto(f"{server.url}/ui/#/{title}/2")
            page.wait_for_selector(shown)
            return self.marked(page, 2)

    def test_a_reply_a_state_and_a_failure_that_are_made_up_are_found(self):
        made_up = b"made up"
        for title, change, says in [
            ("appends", {"reply": name(made_up)}, "reply"),
            ("appends", {"state": name(made_up)}, "state"),
            ("traps", {"error": "trap:divide-by-zero"}, "trap:unreachable"),
        ]:
            with self.subTest(says):
                shown = f".verdict .fault:has-text('{says}')"
                self.assertEqual(self.mark_of_lie(title, shown, lambda data: data.update(change), [made_up]), "wrong")

    def accepted(self, data):
        """A failure, made to look like a message that was taken."""
        del data["error"]
        data.update(kind="message", state=data["before"])

    def test_what_a_browser_cannot_know_is_never_said_to_be_run(self):
        for title, change in [("deep", self.accepted), ("greedy-traps", lambda data: data.update(error="trap:unreachable"))]:
            with self.subTest(title):
                shown = ".cell:has(h2:text('Run again')):has-text('not here')"
                self.assertEqual(self.mark_of_lie(title, shown, change), "checked here")

    def test_a_module_that_does_not_return_is_stopped_and_the_page_goes_on(self):
        forged = Forged(self.node, "endless", 2, self.accepted)
        with Server(self.node.url, forged.lie) as server:
            page = self.page()
            page.goto(f"{server.url}/ui/#/endless/2")
            page.wait_for_selector(".cell:has-text('did not return within 20 s')")
            self.assertEqual(self.marked(page, 2), "checked here")
            # It answers all the while.
            page.keyboard.press("Home")
            page.wait_for_selector(".entry-head .seq:text-is('#0')")
            self.picture(page, "module-endless")
