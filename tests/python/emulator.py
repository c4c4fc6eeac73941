"""Runs the emulator's command for a test, and calls its management API."""

import json
import os
import signal
import subprocess
import urllib.error
import urllib.request


class Emulator:
    """An emulator in a process of its own: `with Emulator(binary, "--page-size", "3") as emulator: …`."""

    def __init__(self, binary, *arguments):
        self.process = subprocess.Popen(
            [binary, *arguments], stdout=subprocess.PIPE, env={**os.environ, "UMAPI_EMULATOR_LOG": "warn"}, text=True
        )
        self.ready = json.loads(self.process.stdout.readline())
        self.organization = self.ready["organization"]
        self.credentials = self.ready["credentials"]
        self.ca_path = self.ready["caPath"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Sends SIGTERM, like a service manager, and asserts that the emulator exits successfully."""
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(timeout=30)
        assert status == 0, f"the emulator ended with {status}"

    def manage(self, method, path, body=None):
        """Calls the management API and returns the JSON of its response."""
        request = urllib.request.Request(
            self.ready["managementUrl"] + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.code} {error.read().decode()}") from error
        return json.loads(text) if text else None
