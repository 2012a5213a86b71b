"""The explorer in a real browser, against real nodes: `cargo xtask test explorer`."""

import json
import os
import subprocess
import sys
import time
import unittest
from pathlib import Path

from alone import Alone
from browser import NAMELESS, OUT, PALE, ROOT, TROUPE, Explorer
from commons import Commons
from jobs import Jobs
from nodes import Forged, Long, Node, Server, entries_of, name
from signed import Signed

LONG = int(os.environ.get("LONG", "1000000"))
ORDERS = ["anna", "bert", "carla", "dora", "emil"]


class Quakes(Explorer):
    """A week of earthquakes: one actor, 1,681 entries, at the root of its node."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.demo = Path(cls.folder.name) / "demo"
        subprocess.run([TROUPE, "demo", "--keep", cls.demo], check=True, stdout=subprocess.DEVNULL)
        component, store = cls.demo / "quakes.wasm", cls.demo / "quakes.store"
        cls.node = cls.enterClassContext(Node(TROUPE, "run", str(component), "--store", str(store)))
        cls.actor = json.loads(cls.node.get("/"))["actor"]

    def test_the_page_checks_the_chain_and_runs_it_again(self):
        page = self.page()
        answer = page.goto(f"{self.node.url}/ui/")
        self.assertIn("default-src 'none'", answer.headers["content-security-policy"])
        page.wait_for_selector("table a")
        self.picture(page, "actors")
        page.click("table a")
        said = self.verdict(page, "run")
        self.assertIn("1,681 of 1,681", said)
        self.assertIn("every state, reply and effect came out the same", said)
        page.wait_for_selector(".cell-checked h2:text('Signed by the node')")
        self.assertEqual(page.evaluate(NAMELESS), [])
        self.picture(page, "chain")
        page.keyboard.press("g")
        page.wait_for_selector(".plots figure:nth-child(4) svg.plot")
        self.picture(page, "plots")
        self.quiet(self.node.url)

    def test_time_travel_shows_the_state_of_each_step(self):
        page = self.page()
        page.goto(f"{self.node.url}/ui/#/{self.actor}/1200")
        page.wait_for_selector(".changes")
        for key, seq in [("ArrowLeft", 1199), ("Shift+ArrowLeft", 1189), ("ArrowRight", 1190), ("Home", 0), ("End", 1680)]:
            page.keyboard.press(key)
            page.wait_for_selector(f".entry-head .seq:text-is('#{seq:,}')")
            self.assertTrue(page.url.endswith(f"/{seq}"))
        page.locator(".travel input").fill("900")
        page.wait_for_selector(".entry-head .seq:text-is('#900')")
        page.wait_for_selector(".changes")
        entry = json.loads(self.node.get("/chain/900"))["data"]
        before, after = (json.loads(self.node.get(f"/blobs/{entry[key]}")) for key in ("before", "state"))
        counted = page.inner_text(".changes li:has(.place span:text-is('count')) .values")
        self.assertIn(str(before["count"]), counted)
        self.assertIn(str(after["count"]), counted)
        page.keyboard.press("w")
        page.wait_for_selector(".json .line.marked")
        shown = json.loads(page.inner_text(".part:has(h3:has-text('State')) .json"))
        self.assertEqual(shown, after)
        self.picture(page, "whole-state")
        self.quiet(self.node.url)

    def test_keys_alone_lead_everywhere(self):
        page = self.page()
        page.goto(f"{self.node.url}/ui/")
        page.wait_for_selector("table a")
        page.keyboard.press("/")
        page.keyboard.type(self.actor[:6])
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        self.verdict(page, "run")
        page.keyboard.press("/")
        page.keyboard.type("Hualian")
        page.keyboard.press("Enter")
        page.wait_for_selector(".found:text-matches('^\\\\d+ found$')")
        found = page.locator(".row").count()
        self.assertGreater(found, 2)
        for _ in range(3):
            page.keyboard.press("Tab")
        page.locator(".timeline").focus()
        page.keyboard.press("End")
        page.wait_for_selector(".row[aria-selected=true]")
        self.picture(page, "search")
        page.keyboard.press("?")
        page.wait_for_selector("dialog[open]")
        self.picture(page, "keys")
        page.keyboard.press("Escape")
        page.keyboard.press("u")
        page.wait_for_selector("table.actors")
        self.quiet(self.node.url)

    def test_dark_and_small_screens_have_room_and_contrast(self):
        for title, width, dark in [("dark", 1440, True), ("small", 390, False), ("small-dark", 390, True), ("light", 1440, False)]:
            with self.subTest(title):
                page = self.page(width=width, height=844, dark=dark)
                page.goto(f"{self.node.url}/ui/#/{self.actor}/1611")
                self.verdict(page, "run")
                page.wait_for_selector(".changes")
                self.picture(page, title)
                self.assertLessEqual(page.evaluate("document.documentElement.scrollWidth"), width)
                self.assertEqual(page.evaluate(PALE), [])
                self.quiet(self.node.url)

    def test_a_lie_in_an_entry_is_found(self):
        def lie(path, body):
            # One digit of the fuel of one entry.
            return body.replace(b'"fuel":1', b'"fuel":2', 1) if "/chain?from=0" in path else None

        with Server(self.node.url, lie) as server:
            page = self.page()
            page.goto(f"{server.url}/ui/#/{self.actor}")
            said = self.verdict(page, "wrong")
            self.assertIn("False at", said)
            self.assertIn("structure", said)
            self.picture(page, "lie-entry")
            self.quiet(server.url)

    def test_a_lie_in_a_state_or_a_reply_is_found_where_it_is_shown(self):
        entry = json.loads(self.node.get("/chain/1611"))["data"]

        def lie(path, body):
            return body.replace(b"Alaska", b"Alasca") if path.endswith(entry["state"]) else None

        with Server(self.node.url, lie) as server:
            page = self.page()
            page.goto(f"{server.url}/ui/#/{self.actor}/1611")
            page.wait_for_selector(".part:has(h3:has-text('State')) .mark-wrong")
            self.assertIn("these bytes hash to", page.inner_text(".entry .fault"))
            self.verdict(page, "wrong")
            self.picture(page, "lie-state")
            self.quiet(server.url)

    def test_a_message_that_was_changed_is_found(self):
        entry = json.loads(self.node.get("/chain/1500"))["data"]

        def lie(path, body):
            return body.replace(b'"mag":', b'"mag":9', 1) if path.endswith(entry["message"]) else None

        with Server(self.node.url, lie) as server:
            page = self.page()
            page.goto(f"{server.url}/ui/#/{self.actor}/1500")
            self.verdict(page, "wrong")
            page.wait_for_selector(".verdict strong :text('#1,500')")
            page.wait_for_selector(".part:has(h3:has-text('Message')) .mark-wrong")

    def test_a_history_whose_every_hash_fits_is_found_by_running_it_again(self):
        state = json.loads(self.node.get("/blobs/" + json.loads(self.node.get("/chain/1000"))["data"]["state"]))
        state["count"] += 1
        state = json.dumps(state, separators=(",", ":")).encode()
        forged = Forged(self.node, self.actor, 1000, lambda data: data.update(state=name(state)), [state])
        with Server(self.node.url, forged.lie) as server:
            page = self.page()
            page.goto(f"{server.url}/ui/#/{self.actor}/1000")
            said = self.verdict(page, "wrong")
            self.assertIn("1,681 of 1,681", said)
            page.wait_for_selector(".cell-wrong h2:text('Signed by the node')")
            page.wait_for_selector(".cell-wrong h2:text('Run again')")
            page.wait_for_selector(".instead")
            self.picture(page, "lie-with-hashes")
            self.quiet(server.url)

    def test_a_bundle_is_checked_without_its_node_and_one_flipped_byte_is_found(self):
        bundle = self.demo / "quakes.car"
        page = self.page()
        page.goto(f"{self.node.url}/ui/")
        page.set_input_files("#bundle", bundle)
        self.verdict(page, "run")
        page.keyboard.press("ArrowLeft")
        page.wait_for_selector(".changes")
        self.picture(page, "bundle")
        flipped = bytearray(bundle.read_bytes())
        flipped[len(flipped) // 2] ^= 1
        (self.demo / "flipped.car").write_bytes(flipped)
        page.click("#path a")
        page.wait_for_selector("#bundle", state="attached")
        page.set_input_files("#bundle", self.demo / "flipped.car")
        self.verdict(page, "wrong")
        self.picture(page, "bundle-flipped")
        page.click("#path a")
        page.wait_for_selector("#bundle", state="attached")
        page.set_input_files("#bundle", self.demo / "quakes.wasm")
        page.wait_for_selector("text=this is no bundle")
        self.quiet(self.node.url)


class Cooperative(Explorer):
    """Actors that send each other messages, in three languages and both worlds."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.node = cls.enterClassContext(Node(TROUPE, "serve", "--store", str(Path(cls.folder.name) / "store")))
        credit = str(ROOT / "actors/credit/credit.wasm")
        start = lambda name, config: cls.node.run("start", credit, "--name", name, "--config", json.dumps(config))
        start("auditor", {"role": "auditor"})
        start("house", {"role": "clearing", "auditor": "auditor", "most": 1000})
        for who in ORDERS:
            start(who, {"role": "member", "name": who, "limit": 1000, "clearing": "house"})
        for who in ORDERS:
            cls.node.run("send", who, f"@{ROOT}/docs/guide/data/orders/{who}.ndjson", "--minimal")
        for lang in ("c", "rust"):
            stock = ROOT / f"sdk/stock/{lang}/stock.wasm"
            cls.node.run("start", str(stock), "--name", f"stock-{lang}")
            # Some of its messages are refused, which the command tells by its status.
            command = [TROUPE, "send", f"stock-{lang}", f"@{ROOT}/sdk/stock/messages.ndjson", "--minimal", "--node", cls.node.url]
            subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        cls.node.run("start", str(ROOT / "actors/counter/counter.wasm"), "--name", "counter")

    def test_actors_in_rust_and_c_and_of_both_worlds_are_run_again(self):
        self.node.post("/actors/counter", {"add": 10})
        page = self.page()
        for actor in ["counter", "stock-c", "stock-rust", "house", "auditor", "anna"]:
            with self.subTest(actor):
                page.goto(f"{self.node.url}/ui/#/{actor}")
                said = self.verdict(page, "run")
                self.assertIn("every state, reply and effect came out the same", said)
                page.goto(f"{self.node.url}/ui/#/")
                page.wait_for_selector("table.actors")
        self.picture(page, "actors-of-a-node")
        self.quiet(self.node.url)

    def test_a_picture_shows_who_caused_what_across_actors(self):
        entries = [json.loads(line)["data"] for line in entries_of(self.node, "anna")]
        asked = lambda entry: entry.get("from", {}).get("kind") == "http" and "request" in entry.get("effects", [{}])[0]
        seq = next(entry["seq"] for entry in entries if entry["seq"] > 8 and asked(entry))
        page = self.page()
        page.goto(f"{self.node.url}/ui/#/anna/{seq}")
        page.wait_for_selector("svg.causes")
        lanes = page.locator("svg.causes .lane").all_text_contents()
        self.assertEqual(lanes[:2], ["anna", "house"])
        self.assertIn("auditor", lanes)
        page.locator("svg.causes").scroll_into_view_if_needed()
        self.verdict(page, "run")
        self.picture(page, "causes")
        page.locator("svg.causes .node").nth(1).focus()
        page.keyboard.press("Enter")
        page.wait_for_selector("#path :text('house')")
        self.quiet(self.node.url)

    def test_what_is_committed_appears_and_is_run_again(self):
        self.node.post("/actors/counter", {"add": 1})
        page = self.page()
        page.goto(f"{self.node.url}/ui/#/counter")
        self.verdict(page, "run")
        page.keyboard.press("f")
        page.wait_for_selector(".live[aria-pressed=true]")
        for add in (3, 4, 5):
            seq = self.node.post("/actors/counter", {"add": add})["seq"]
            page.wait_for_selector(f".row[data-seq='{seq}'] .mark-run")
            page.wait_for_selector(f".entry-head .seq:text-is('#{seq}')")
        self.verdict(page, "run")
        self.picture(page, "live")
        self.quiet(self.node.url)


    def test_what_was_taken_back_is_said_calmly_of_a_node_and_of_a_bundle(self):
        self.node.run("start", str(ROOT / "actors/counter/counter.wasm"), "--name", "taken")
        for add in (3, 4, 5):
            self.node.post("/actors/taken", {"add": add})
        self.node.run("redact", "erase", "taken", "3", "--message", "--reason", "asked for by a customer")
        bundle = Path(self.folder.name) / "taken.car"
        self.node.run("export", "taken", str(bundle))
        page = self.page()
        page.goto(f"{self.node.url}/ui/#/taken/3")
        for title in ("taken-back", "taken-back-bundle"):
            page.wait_for_selector(".part:has(h3:has-text('Message')) .mark-erased")
            self.assertIn("asked for by a customer", page.inner_text(".part:has(h3:has-text('Message'))"))
            # The replay goes on from the state that the entry led to.
            page.wait_for_selector(".verdict strong:has-text('run again but for one entry')")
            said = self.verdict(page, "checked")
            self.assertIn("5 of 5", said)
            self.assertIn("at #3, whose bytes were taken back", said)
            self.assertIn("message erased: asked for by a customer", page.inner_text(".not-run"))
            page.wait_for_selector(".row[data-seq='3'] .mark-checked")
            page.wait_for_selector(".row[data-seq='4'] .mark-run")
            self.picture(page, title)
            if title == "taken-back":
                page.goto(f"{self.node.url}/ui/#/")
                page.wait_for_selector("#bundle", state="attached")
                page.set_input_files("#bundle", bundle)
                page.wait_for_selector("#path :text('taken.car')")
                page.keyboard.press("ArrowLeft")


class Guarded(Explorer):
    """A node that lets nobody read without a token."""

    def test_a_token_is_asked_for_and_kept_in_memory_only(self):
        tokens = str(Path(self.folder.name) / "tokens.json")
        create = [TROUPE, "token", "create", "--name", "page", "--scope", "read", "--tokens", tokens]
        said = subprocess.run(create, check=True, capture_output=True, text=True).stdout
        token = next(word for word in said.split() if word.startswith("troupe_"))
        component = str(ROOT / "actors/counter/counter.wasm")
        with Node(TROUPE, "run", component, "--store", "memory", "--tokens", tokens, "--behind-proxy") as node:
            page = self.page()
            page.goto(f"{node.url}/ui/")
            page.wait_for_selector("dialog.token[open]")
            self.picture(page, "token")
            page.keyboard.type("troupe_no")
            page.keyboard.press("Enter")
            page.wait_for_selector("dialog.token[open]")
            page.locator("dialog.token input").last.fill(token)
            page.keyboard.press("Enter")
            page.click("table a")
            self.verdict(page, "run")
            kept = page.evaluate("JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href])")
            self.assertNotIn("troupe_", kept)
            page.reload()
            page.wait_for_selector("dialog.token[open]")


#: How many entries of the long chain are run again while memory is looked at.
RUN = int(os.environ.get("RUN", "20000"))
#: What memory may grow by from the first half of a long check to the second, in MiB.
FLAT = 64


class LongChain(Explorer):
    """A chain of a million entries: the first paint, and how much memory it takes."""

    def watch(self, page, goes_on):
        """Looks at memory while something goes on; it must not grow with how far that is."""
        samples = []
        while page.evaluate(goes_on):
            samples.append(self.memory())
            page.wait_for_timeout(250)
        half = len(samples) // 2
        self.assertLess(max(samples[half:]) - max(samples[:half], default=0), FLAT, samples)
        return round(max(samples))

    def test_a_very_long_chain_is_drawn_before_it_is_read(self):
        component = (ROOT / "actors/counter/counter.wasm").read_bytes()
        with Node(TROUPE, "run", str(ROOT / "actors/counter/counter.wasm"), "--store", "memory") as node:
            long = Long(component, LONG, node.get("/chain/0"))
            with Server(node.url, long.lie) as server:
                page = self.page()
                began = time.monotonic()
                page.goto(f"{server.url}/ui/#/long")
                page.wait_for_selector(f".row[data-seq='{LONG - 1}'] .what:not(:empty)")
                painted = time.monotonic() - began
                self.picture(page, "long")
                links_memory = self.watch(page, "!document.querySelector('.verdict[data-kind=checked]')")
                linked = time.monotonic() - began
                heap = page.evaluate("performance.memory.usedJSHeapSize") / 2**20
                page.locator(".travel input").fill(str(LONG // 2))
                page.wait_for_selector(f".row[data-seq='{LONG // 2}'] .mark-checked")
                self.picture(page, "long-middle")
                page.click(".cell:has(h2:text('Run again')) button")
                page.wait_for_selector(".cell:has(h2:text('Run again')) progress")
                ran = time.monotonic()
                runs = f"(document.querySelector(\".cell:has(progress) progress\")?.value ?? {RUN}) < {RUN}"
                run_memory = self.watch(page, runs)
                rate = round(RUN / (time.monotonic() - ran))
                figures = {
                    "entries": LONG, "painted_s": round(painted, 2), "links_s": round(linked, 1), "heap_mib": round(heap, 1),
                    "links_memory_mib": links_memory, "run_entries": RUN, "run_a_second": rate, "run_memory_mib": run_memory,
                }
                (OUT / "long.json").write_text(json.dumps(figures))
                print(figures)


if __name__ == "__main__":
    result = unittest.main(verbosity=2, exit=False).result
    failed = len(result.failures) + len(result.errors)
    print(f"test result: {result.testsRun - failed} passed; {failed} failed")
    sys.exit(1 if failed else 0)
