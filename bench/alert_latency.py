"""How long it takes from a call's webhook to the first alert request leaving the house.

Starts the real server with the demo's facility on SQLite, engine inside, and a stand-in for the provider
that notes when each request for a call arrives. Rings one caller after another with signed webhooks over
loopback and prints the median and the spread in milliseconds.

Run it with: .venv/bin/python -m bench.alert_latency
"""

import http.server
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs

import httpx
from twilio.request_validator import RequestValidator

CALLS = 60
WARM_UP = 5
TARGET_MS = 50.0
TOKEN = "bench-token-not-a-secret"  # noqa: S105 - belongs to the stand-in alone


class Provider(http.server.ThreadingHTTPServer):
    """Takes every request over at once and remembers when the first request for a call came."""

    daemon_threads = True

    def __init__(self) -> None:
        """Listen on a free port of this machine."""
        super().__init__(("127.0.0.1", 0), _Request)
        self.first_call = threading.Event()
        self.first_call_at = 0.0
        self.numbered = 0

    def note(self) -> None:
        """A request for a call has arrived."""
        if not self.first_call.is_set():
            self.first_call_at = time.perf_counter()
            self.first_call.set()


class _Request(http.server.BaseHTTPRequestHandler):
    server: Provider
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        is_call = self.path.endswith("/Calls.json")
        if is_call:
            self.server.note()
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.server.numbered += 1
        prefix = "CA" if "Calls" in self.path else "SM"
        reply = {
            "sid": f"{prefix}{self.server.numbered:032x}",
            "status": "queued",
            "to": form.get("To", [""])[0],
        }
        body = json.dumps(reply).encode()
        self.send_response(201)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        pass


def main() -> None:
    """Measure and print."""
    provider = Provider()
    threading.Thread(target=provider.serve_forever, daemon=True).start()
    with (
        tempfile.TemporaryDirectory() as folder,
        _server(folder, provider.server_address[1]) as url,
        # One connection kept open, as the provider keeps its own: its set-up is not the program's time.
        httpx.Client(base_url=url, timeout=10) as client,
    ):
        found = [_one_call(client, url, provider, number) for number in range(CALLS + WARM_UP)][WARM_UP:]
    found.sort()
    median = statistics.median(found)
    print(f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores")
    print(f"webhook arrives -> first alert request leaves, {len(found)} calls one after another, SQLite:")
    print(
        f"  median {median:.1f} ms   p95 {found[int(len(found) * 0.95) - 1]:.1f} ms   "
        f"min {found[0]:.1f} ms   max {found[-1]:.1f} ms   (target: median at most {TARGET_MS:.0f} ms)"
    )
    sys.exit(0 if median <= TARGET_MS else 1)


def _one_call(client: httpx.Client, url: str, provider: Provider, number: int) -> float:
    """Ring once from a new number, wait for the alert, and press 9 so that the next call is alike."""
    sid = f"CA{number + 1:032x}".replace("CA0", "CAb", 1)
    form = {"CallSid": sid, "From": f"+62811990{number:05d}", "To": "+62911000911", "CallStatus": "ringing"}
    provider.first_call.clear()
    request = _signed(client, f"{url}/telephony/voice", form)
    started = time.perf_counter()
    client.send(request).raise_for_status()
    if not provider.first_call.wait(timeout=10):
        sys.exit("no alert left within ten seconds")
    taken_ms = (provider.first_call_at - started) * 1000
    client.send(_signed(client, f"{url}/telephony/voice/menu", {**form, "Digits": "9"})).raise_for_status()
    # What the menu set going must have left before the next measurement begins.
    _until_quiet(provider)
    return taken_ms


def _until_quiet(provider: Provider) -> None:
    seen = -1
    while seen != provider.numbered:
        seen = provider.numbered
        time.sleep(0.05)


def _signed(client: httpx.Client, url: str, form: dict[str, str]) -> httpx.Request:
    signature = RequestValidator(TOKEN).compute_signature(url, form)
    return client.build_request("POST", url, data=form, headers={"X-Twilio-Signature": signature})


@contextmanager
def _server(folder: str, provider_port: int) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    environment = {
        **os.environ,
        "SIAGA_DATA_DIR": folder,
        "SIAGA_DATABASE_URL": f"sqlite:///{folder}/siaga.db",
        "SIAGA_PUBLIC_URL": url,
        "SIAGA_TELEPHONY": "twilio",
        "SIAGA_TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "SIAGA_TWILIO_AUTH_TOKEN": TOKEN,
        "SIAGA_TWILIO_NUMBER": "+62911000911",
        "SIAGA_TWILIO_API_URL": f"http://127.0.0.1:{provider_port}",
    }
    command = [sys.executable, "-m", "config.cli", "serve", "--demo", "--port", str(port)]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        _await(url, process)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=15)


def _await(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        if process.poll() is not None:
            sys.exit("the server did not start")
        try:
            httpx.get(f"{url}/login", timeout=1)
        except httpx.HTTPError:
            time.sleep(0.1)
        else:
            return
    sys.exit("the server did not answer within 20 seconds")


if __name__ == "__main__":
    main()
