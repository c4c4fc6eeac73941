"""Shared code of the measured programs: the login with PyPI's umapi-client, and the output of figures."""

import argparse
import json
import resource
import time

import umapi_client


def arguments(description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description)
    for name in ("endpoint", "ims-host", "organization", "client-id", "client-secret"):
        parser.add_argument(f"--{name}", required=True)
    return parser


def connect(given: argparse.Namespace) -> umapi_client.Connection:
    login = umapi_client.OAuthS2S(given.client_id, given.client_secret, auth_host=given.ims_host)
    return umapi_client.Connection(given.organization, login, endpoint=given.endpoint)


class Stopwatch:
    """Wall time and CPU time in seconds since its creation."""

    def __init__(self) -> None:
        self.wall, self.cpu = time.monotonic(), time.process_time()

    def report(self, **figures: object) -> None:
        """Prints one line of JSON: the figures, the seconds, and the peak memory in mebibytes."""
        figures["seconds"] = time.monotonic() - self.wall
        figures["cpu_seconds"] = time.process_time() - self.cpu
        figures["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps(figures))
