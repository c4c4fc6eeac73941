"""The process of an emulator."""

from __future__ import annotations

import collections
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import threading
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Deque, Mapping, Optional, Type, Union

_NAME = "umapi-emulator"
# The variable that names another command than the one of this package.
_VARIABLE = "UMAPI_EMULATOR_BINARY"
_LINES_OF_LOG = 1000


class EmulatorError(Exception):
    """The emulator did not start, did not answer as expected, or did not end cleanly."""


@dataclass(frozen=True)
class Credentials:
    """Public credentials for both kinds of login. They give access only to emulators."""

    client_id: str
    """The client id, which is also the API key."""
    client_secret: str = field(repr=False)
    technical_account_id: str
    private_key: str = field(repr=False)
    """The private key that signs JWTs, in PEM."""
    scopes: str
    """The scopes for the login with client credentials."""
    metascope: str
    """The metascope for the login with a JWT."""


class Emulator:
    """A running emulator. It stops with `stop()`, at the end of a `with` block, and when this process ends in any way."""

    def __init__(self, process: "subprocess.Popen[bytes]", ready: Mapping[str, Any], log: "_Log") -> None:
        self._process = process
        self._log = log
        credentials = ready["credentials"]
        self.um_url: str = ready["umUrl"]
        """The URL of the User Management API: HTTP unless it is disabled."""
        self.ims_url: str = ready["imsUrl"]
        """The URL of the login: HTTP unless it is disabled."""
        self.um_https_url: Optional[str] = ready.get("umHttpsUrl")
        """The HTTPS URL of the User Management API, whose certificate `ca_file` verifies."""
        self.ims_https_url: Optional[str] = ready.get("imsHttpsUrl")
        """The HTTPS URL of the login, whose certificate `ca_file` verifies."""
        self.management_url: Optional[str] = ready.get("managementUrl")
        """The URL of the management API; see `manage()`."""
        self.console_url: Optional[str] = ready.get("consoleUrl")
        """The URL of the console for a browser."""
        self.organization: str = ready["organization"]
        """The id of the first organization."""
        self.credentials = Credentials(
            client_id=credentials["clientId"],
            client_secret=credentials["clientSecret"],
            technical_account_id=credentials["technicalAccountId"],
            private_key=credentials["privateKey"],
            scopes=credentials["scopes"],
            metascope=credentials["metascope"],
        )
        self.ca_file: Optional[Path] = Path(ready["caPath"]) if "caPath" in ready else None
        """The file of the certificate that clients must trust."""
        self.pid: int = process.pid

    def __repr__(self) -> str:
        return f"<Emulator {self.um_url}, process {self.pid}>"

    def __enter__(self) -> "Emulator":
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        try:
            self.stop()
        except EmulatorError:
            # The error of the block explains more.
            if error is None:
                raise

    def manage(self, method: str, path: str, body: Any = None) -> Any:
        """Calls the management API, for example `manage("GET", "/journal")`, and returns the JSON of the response.

        Raises `EmulatorError` with the response if the call is rejected.
        """
        if self.management_url is None:
            raise EmulatorError("the emulator has no management API: start it without --no-management")
        request = urllib.request.Request(
            self.management_url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        # Proxies of the environment are for other machines.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=60) as response:
                text = response.read()
        except urllib.error.HTTPError as error:
            text = error.read().decode(errors="replace")
            raise EmulatorError(f"{method} {path} was rejected with {error.code}: {text}") from None
        except OSError as error:
            raise EmulatorError(f"{method} {path} failed: {error}{self._end()}") from error
        return json.loads(text) if text else None

    def reset(self) -> None:
        """Restores the state of the start. Removes all faults, the journal and the counts of the rate limits."""
        self.manage("POST", "/reset")

    def log(self) -> str:
        """The last lines that the emulator logged."""
        return self._log.text()

    def stop(self) -> None:
        """Stops the emulator and waits for its end. Does nothing if it was stopped before.

        Raises `EmulatorError` if it ended with an error, for example because it was killed.
        """
        if self._process.stdin is None or self._process.stdin.closed:
            return
        # The emulator stops when its input ends, on every system.
        self._process.stdin.close()
        try:
            status = self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise EmulatorError(f"the emulator did not stop within 30 seconds and was killed\n{self.log()}") from None
        finally:
            self._log.close()
        if status != 0:
            raise EmulatorError(f"the emulator ended with status {status}\n{self.log()}")

    def _end(self) -> str:
        # Its connections break a moment before the system tells its status.
        try:
            status = self._process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            return ""
        return f"; the emulator ended with status {status}\n{self.log()}"


def start(*arguments: str, executable: Union[str, Path, None] = None, timeout: float = 60) -> Emulator:
    """Starts an emulator with free ports and returns it when it is ready.

    `arguments` are options of the command, for example `"--users", "1000", "--limits", "off"`; `umapi-emulator --help`
    lists them. `executable` is another command than the one of this package. `timeout` is in seconds.

    Raises `EmulatorError` with the log if it does not start in time.
    """
    command = [_executable(executable), *arguments, "--exit-on-eof"]
    environment = {"UMAPI_EMULATOR_LOG": "warn", **os.environ}
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
        )
    except OSError as error:
        raise EmulatorError(f"cannot start {command[0]}: {error}") from error
    log = _Log(process)
    try:
        return Emulator(process, _ready(process, log, timeout), log)
    except BaseException:
        process.kill()
        process.wait()
        log.close()
        raise


def _ready(process: "subprocess.Popen[bytes]", log: "_Log", timeout: float) -> Mapping[str, Any]:
    """Reads the line that the emulator prints when it is ready."""
    lines: "list[bytes]" = []
    stdout = process.stdout
    assert stdout is not None
    # A pipe has no timeout on Windows.
    reader = threading.Thread(target=lambda: lines.append(stdout.readline()), daemon=True)
    reader.start()
    reader.join(timeout)
    if not lines:
        raise EmulatorError(f"the emulator was not ready after {timeout:g} seconds\n{log.text()}")
    if not lines[0]:
        status = process.wait()
        log.close()
        raise EmulatorError(f"the emulator ended with status {status}\n{log.text()}")
    try:
        ready = json.loads(lines[0])
        if ready["status"] == "ready":
            return dict(ready)
    except (ValueError, TypeError, KeyError):
        pass
    raise EmulatorError(f"{process.args!r} is not the emulator: it printed {lines[0]!r}")


def _executable(given: Union[str, Path, None]) -> str:
    """The path of the command: as given, as in the environment, as installed with this package, or in `PATH`."""
    named = given or os.environ.get(_VARIABLE)
    if named:
        return str(named)
    name = _NAME + (sysconfig.get_config_var("EXE") or "")
    folders = [sysconfig.get_path("scripts"), str(Path(sys.executable).parent)]
    # `pip install --user`.
    folders.append(sysconfig.get_path("scripts", scheme=_user_scheme()))
    # `pip install --target FOLDER` and `--prefix`.
    package = Path(__file__).resolve().parent
    folders.append(str(package.parent / "bin"))
    for folder in folders:
        path = Path(folder) / name
        if path.is_file():
            return str(path)
    found = shutil.which(_NAME)
    if found is None:
        raise EmulatorError(
            f"the command {_NAME} is not installed: install the package {_NAME} again, or set {_VARIABLE} to its path"
        )
    return found


def _user_scheme() -> str:
    # Since Python 3.10.
    preferred = getattr(sysconfig, "get_preferred_scheme", None)
    return str(preferred("user")) if preferred else f"{os.name}_user"


class _Log:
    """The last lines of standard error, which is read all the time: an emulator never waits for its reader."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._lines: Deque[bytes] = collections.deque(maxlen=_LINES_OF_LOG)
        self._process = process
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._lines.append(line)

    def text(self) -> str:
        return b"".join(list(self._lines)).decode(errors="replace").rstrip()

    def close(self) -> None:
        """Reads the rest after the end of the process."""
        # A grandchild can keep the pipe open, for example a browser.
        self._thread.join(timeout=5)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None and not (stream is self._process.stderr and self._thread.is_alive()):
                stream.close()
