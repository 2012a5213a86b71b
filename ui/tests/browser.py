"""A browser for tests of the explorer, and what they have in common.

The environment says what to use: TROUPE (the binary), CHROMIUM, ROOT (of the repository) and OUT, where pictures of each
screen are left to be looked at.
"""

import os
import re
import shutil
import tempfile
import unittest
from pathlib import Path

from playwright.sync_api import sync_playwright

TROUPE = os.environ["TROUPE"]
CHROMIUM = shutil.which(os.environ["CHROMIUM"]) or os.environ["CHROMIUM"]
ROOT, OUT = Path(os.environ["ROOT"]), Path(os.environ["OUT"])
WAIT = 60_000

#: What has no name that can be read aloud.
NAMELESS = """() => [...document.querySelectorAll("button, a, input, textarea, [role=img], [role=link], [role=option], svg[role]")]
  .filter((e) => e.getClientRects().length)
  .filter((e) => !(e.getAttribute("aria-label") || e.textContent.trim() || e.labels?.length || e.title))
  .map((e) => e.outerHTML.slice(0, 120))"""

#: Text that is too pale for what it stands on: WCAG's contrast, at least 4.5.
PALE = """() => {
  const parts = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255).map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, n) => sum + c * [0.2126, 0.7152, 0.0722][n], 0);
  const ground = (e) => {
    for (; e; e = e.parentElement) {
      const [r, g, b, a = 1] = parts(getComputedStyle(e).backgroundColor);
      if (a > 0.9) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const pale = new Set();
  for (const e of document.querySelectorAll("main *, header *")) {
    if (!e.getClientRects().length || ![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())) continue;
    if (e.closest("svg, noscript, [aria-hidden=true]")) continue;
    const [a, b] = [light(parts(getComputedStyle(e).color)), light(ground(e))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) pale.add(`${e.className || e.tagName}: ${contrast.toFixed(2)}`);
  }
  return [...pale];
}"""


class Explorer(unittest.TestCase):
    """A browser for all tests, and a page for each, which must say nothing in its console and ask nobody else."""

    @classmethod
    def setUpClass(cls):
        cls.playwright = sync_playwright().start()
        cls.browser = cls.playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.addClassCleanup(cls.playwright.stop)
        cls.addClassCleanup(cls.browser.close)

    def page(self, width=1440, height=900, dark=False):
        scheme = "dark" if dark else "light"
        context = self.browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        self.addCleanup(context.close)
        page = context.new_page()
        page.set_default_timeout(WAIT)
        self.said, self.asked = [], []
        page.on("console", lambda message: self.said.append(f"{message.text} {message.location.get('url', '')}"))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        context.on("request", lambda request: self.asked.append(request.url))
        return page

    def quiet(self, url):
        """The page said nothing, and asked nobody but its node."""
        # What is not signed yet is no fault of the page: the browser notes the answer all the same.
        early = lambda said: "404" in said and said.endswith(("/proof", "/checkpoint"))
        self.assertEqual([said for said in self.said if not early(said)], [])
        self.assertTrue(self.asked)
        elsewhere = [asked for asked in self.asked if not asked.startswith((url, "blob:", "data:"))]
        self.assertEqual(elsewhere, [])

    def memory(self):
        """What the processes of all pages take for themselves, workers and WebAssembly with them, in MiB."""
        session = self.browser.new_browser_cdp_session()
        processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
        session.detach()
        shared_out = re.compile(r"^Pss:\s+(\d+) kB$", re.MULTILINE)
        of = lambda pid: int(shared_out.search(Path(f"/proc/{pid}/smaps_rollup").read_text())[1])
        return sum(of(process["id"]) for process in processes if process["type"] == "renderer") / 1024

    def picture(self, page, title):
        page.wait_for_timeout(400)
        page.screenshot(path=OUT / f"{title}.png")

    def verdict(self, page, kind):
        page.wait_for_selector(f".verdict[data-kind={kind}]", timeout=WAIT)
        return page.inner_text(".verdict")
