"""The commons in the explorer: what a node says of it is compared with what its chain comes to."""

import json
import subprocess
from pathlib import Path

from browser import NAMELESS, PALE, TROUPE, Explorer
from modules import MODULES
from nodes import Forged, Node, Server, entries_of, name

SECTIONS = ["members", "jobs", "proposals", "parameters"]


def lie_of(section, change):
    """A lie: what a list of the commons says, changed."""

    def lie(path, body):
        if not path.startswith(f"/commons/{section}"):
            return None
        told = json.loads(body)
        change(told["items"])
        return json.dumps(told).encode()

    return lie


class Commons(Explorer):
    """What the demo of a commons leaves: three members, a job that was paid, and a vote that took effect."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        kept = Path(cls.folder.name) / "commons"
        subprocess.run([TROUPE, "demo", "commons", "--keep", str(kept)], check=True, stdout=subprocess.DEVNULL)
        cls.node = cls.enterClassContext(Node(TROUPE, "serve", "--store", str(kept / "commons.store")))

    def compared(self, page, kind):
        page.wait_for_selector(f".commons-verdict[data-kind={kind}]")
        return page.inner_text(".commons-verdict")

    def test_the_page_comes_to_every_number_by_itself(self):
        for title, width, dark in [("commons", 1200, False), ("commons-small-dark", 390, True)]:
            page = self.page(width=width, dark=dark)
            page.goto(f"{self.node.url}/ui/#/")
            page.get_by_role("link", name="Harbour").click()
            for section in SECTIONS:
                with self.subTest(f"{section}, {title}"):
                    page.get_by_role("link", name=section.capitalize()).click()
                    page.wait_for_selector(f"a[aria-current=page]:has-text('{section.capitalize()}')")
                    self.assertIn("came to every number", self.compared(page, "run"))
                    self.picture(page, f"{title}-{section}")
                    self.assertEqual(page.locator(".commons-body .mark-said, .commons-body .mark-wrong").count(), 0)
                    self.assertGreater(page.locator(".commons-body .mark-run").count(), 0)
                    self.assertEqual((page.evaluate(NAMELESS), page.evaluate(PALE)), ([], []))
                    self.assertLessEqual(page.evaluate("document.documentElement.scrollWidth"), width)
            self.quiet(self.node.url)

    def test_a_balance_that_the_server_makes_up_is_found(self):
        def add_one(members):
            members[1]["balance"] += 1

        with Server(self.node.url, lie_of("members", add_one)) as server:
            page = self.page()
            page.goto(f"{server.url}/ui/#/commons:/members")
            self.assertIn("something else than its own chain", self.compared(page, "wrong"))
            marks = page.locator("tbody .mark").evaluate_all("(all) => all.map((mark) => mark.ariaLabel)")
            self.assertEqual(marks, ["run again here", "wrong", "run again here"])
            self.picture(page, "lie-balance")

    def test_a_member_that_the_server_leaves_out_is_missed(self):
        with Server(self.node.url, lie_of("members", lambda members: members.pop())) as server:
            page = self.page()
            page.goto(f"{server.url}/ui/#/commons:/members")
            self.compared(page, "wrong")

    def replayed(self, url, mark):
        """The page, and what it says of a job's run, once it has this mark."""
        page = self.page()
        page.goto(f"{url}/ui/#/commons:/jobs")
        page.locator("summary").click()
        page.get_by_role("button", name="Replay it here").click()
        page.wait_for_selector(f".came .mark-{mark}")
        return page, page.inner_text(".came")

    def test_the_run_of_a_job_is_run_again_and_comes_to_what_its_receipt_says(self):
        page, said = self.replayed(self.node.url, "run")
        self.assertIn("run again here, and came to what the receipt says", said)
        self.picture(page, "commons-job")
        page.set_viewport_size({"width": 390, "height": 844})
        self.picture(page, "commons-job-small")
        self.assertEqual((page.evaluate(NAMELESS), page.evaluate(PALE)), ([], []))
        self.assertLessEqual(page.evaluate("document.documentElement.scrollWidth"), 390)
        # The run is a chain like any other: all of it has the mark, and not only the job.
        page.get_by_role("link", name="entries").click()
        self.assertIn("every state, reply and effect came out the same", self.verdict(page, "run"))
        self.quiet(self.node.url)

    def test_a_job_that_runs_is_followed_and_what_it_writes_is_said_by_the_node_alone(self):
        events = "".join(
            f"event: {kind}\ndata: {json.dumps(data)}\n\n"
            for kind, data in [
                ("progress", {"executor": "7" * 64, "done": 1, "of": 3}),
                ("missed", {"lines": 2}),
                ("line", {"line": "<b>first</b>", "committed": False}),
                ("dropped", {"reason": "the node is stopping"}),
            ]
        )

        def unfinished(jobs):
            [phase] = jobs[0]["phase"].values()
            jobs[0]["phase"] = {"assigned": {"slots": [{**phase["slots"][0], "result": None}]}}

        of_jobs = lie_of("jobs", unfinished)
        lie = lambda path, body: events.encode() if path.endswith("/events") else of_jobs(path, body)
        with Server(self.node.url, lie) as server:
            page = self.page()
            page.goto(f"{server.url}/ui/#/commons:/jobs")
            page.locator("summary").click()
            page.get_by_role("button", name="Follow it").click()
            page.wait_for_selector(".job-running pre:has-text('<b>first</b>')")
            said = page.inner_text(".job-running")
            for words in ("a line is no part of a chain", "7777777777…", "1 of 3 inputs", "2 lines came too fast", "It broke off: the node is stopping."):
                self.assertIn(words, said)
            self.assertEqual(page.locator(".job-running .mark-said").count(), 1)
            self.assertEqual((page.evaluate(NAMELESS), page.evaluate(PALE)), ([], []))
            self.picture(page, "commons-job-running")

    def said_of(self, change, lie=lambda path, body: None):
        """What the page says of a job whose result the node tells otherwise."""

        def of_result(jobs):
            [phase] = jobs[0]["phase"].values()
            change(phase["slots"][0]["result"])

        of_jobs = lie_of("jobs", of_result)
        with Server(self.node.url, lambda path, body: of_jobs(path, body) or lie(path, body)) as server:
            return self.replayed(server.url, "wrong")[1]

    def test_a_receipt_that_says_something_else_than_the_run_is_found(self):
        nothing = "0" * 64
        self.assertIn("not with what the receipt says", self.said_of(lambda result: result.update(entry=nothing)))
        self.assertIn("result: the receipt says the output 000000000000…", self.said_of(lambda result: result.update(output=nothing)))
        self.assertIn("fuel: the receipt says 1,", self.said_of(lambda result: result.update(fuel=1)))

    def job_of(self, title, messages):
        """A lie that the job was of a module of ours: its spec, and the result of its chain, of which each is true."""
        file = Path(self.folder.name) / f"{title}.wasm"
        file.write_bytes(MODULES[title])
        self.node.run("start", str(file), "--name", title, "--limit", "fuel=1000000")
        for message in messages:
            subprocess.run([TROUPE, "send", title, message, "--node", self.node.url], check=False, capture_output=True)
        chain = json.loads(self.node.get(f"/actors/{title}"))["actor"]
        lines = entries_of(self.node, title)
        runs = [json.loads(line)["data"] for line in lines[2:]]
        spec = {"component": name(MODULES[title]), "inputs": [run["message"] for run in runs], "limits": {"fuel": 1_000_000}}
        result = {"chain": chain, "entry": name(lines[-1]), "fuel": sum(run["fuel"] for run in runs), "size": len(lines)}
        last = runs[-1]
        result.update({"error": last["error"]} if "error" in last else {"output": last["reply"]})
        return spec, result

    def said_of_job(self, spec, result, mark):
        def of_jobs(jobs):
            jobs[0]["spec"].update(spec)
            [phase] = jobs[0]["phase"].values()
            phase["slots"][0]["result"] = result

        with Server(self.node.url, lie_of("jobs", of_jobs)) as server:
            return self.replayed(server.url, mark)[1]

    def test_a_run_that_ran_out_of_fuel_is_not_said_to_be_run_again(self):
        said = self.said_of_job(*self.job_of("endless", ["{}"]), "checked")
        self.assertIn("failed by a limit that browsers do not have", said)

    def test_a_run_of_several_inputs_is_held_to_all_of_them_in_their_order(self):
        spec, result = self.job_of("appends", ['{"a":1}', '{"b":2}', '{"c":3}'])
        self.assertIn("came to what the receipt says", self.said_of_job(spec, result, "run"))
        for inputs in (spec["inputs"][::-1], spec["inputs"][1:]):
            said = self.said_of_job({**spec, "inputs": inputs}, result, "wrong")
            self.assertIn("not the inputs of the job", said)

    def test_a_run_that_was_made_up_with_its_receipt_is_found_by_running_it_again(self):
        [job] = json.loads(self.node.get("/commons/jobs"))["items"]
        [phase] = job["phase"].values()
        result = phase["slots"][0]["result"]
        output = b'{"count":4}'
        change = lambda data: data.update(reply=name(output))
        forged = Forged(self.node, result["chain"], result["size"] - 1, change, [output])
        said = self.said_of(lambda result: result.update(entry=forged.head, output=name(output)), forged.lie)
        self.assertIn("reply", said)
        self.assertIn(name(output)[:12], said)
