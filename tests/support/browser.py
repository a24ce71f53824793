"""The pages of the site in headless Chromium."""

from __future__ import annotations

import json
import queue
import shutil
import subprocess
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from processes import LONGEST, run

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
# Chromium's sandbox does not work for root. Scroll bars make a page narrower than its window.
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run")
MEASURE = Path(__file__).with_name("measure.html")


class _SiteHandler(SimpleHTTPRequestHandler):
    """Serves the site and measure.html, and receives what measure.html posts."""

    found: queue.SimpleQueue[Any]

    def translate_path(self, path: str) -> str:
        is_measure = path.partition("?")[0] == f"/{MEASURE.name}"
        return str(MEASURE) if is_measure else super().translate_path(path)

    def do_POST(self) -> None:
        self.found.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


def measure(site: Path, profile: Path) -> dict[str, list[str]]:
    """The faults that measure.html finds in each page, by the name of its file."""
    found: queue.SimpleQueue[Any] = queue.SimpleQueue()
    handler = type("Handler", (_SiteHandler,), {"found": found})
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(site))) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        pages = ",".join(sorted(page.name for page in site.glob("*.html")))
        address = f"http://127.0.0.1:{server.server_port}/{MEASURE.name}?{pages}"
        command = (str(CHROMIUM), *FLAGS, f"--user-data-dir={profile}", address)
        browser = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        threading.Thread(target=lambda: found.put({"browser": [f"ended: {browser.wait()}"]})).start()
        try:
            faults: dict[str, list[str]] = found.get(timeout=LONGEST)
        finally:
            browser.terminate()
            browser.wait()
            server.shutdown()
            serving.join()
    return faults


def dom(address: str, profile: Path) -> str:
    """The document at this address, five seconds of the browser's virtual time after it was loaded."""
    flags = (*FLAGS, f"--user-data-dir={profile}", "--virtual-time-budget=5000", "--dump-dom")
    return run(str(CHROMIUM), *flags, address).out
