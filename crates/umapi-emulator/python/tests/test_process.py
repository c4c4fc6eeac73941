"""Tests of the process: how it ends, and what is reported if it does not start."""

import os
import signal
import subprocess
import sys
import textwrap
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from umapi_emulator import Emulator, EmulatorError, start


def is_running(pid: int) -> bool:
    """Whether the process exists. A zombie of a container without an init process has ended."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def ends(pid: int) -> bool:
    """Waits until the process has ended, for at most ten seconds."""
    for _ in range(200):
        if not is_running(pid):
            return True
        time.sleep(0.05)
    return False


def test_stop_ends_the_process_and_removes_its_files() -> None:
    emulator = start()
    assert emulator.ca_file is not None and emulator.ca_file.exists()
    assert repr(emulator).startswith("<Emulator http://127.0.0.1:")
    emulator.stop()
    emulator.stop()
    assert not emulator.ca_file.exists()
    assert ends(emulator.pid)


def test_options_are_passed_on(tmp_path: Path) -> None:
    with start("--no-http", "--no-management", "--data", str(tmp_path / "state.db")) as emulator:
        assert emulator.um_url == emulator.um_https_url
        assert emulator.um_url.startswith("https://")
        assert emulator.management_url is None and emulator.console_url is None
        with pytest.raises(EmulatorError, match="no management API"):
            emulator.reset()
    assert (tmp_path / "state.db").exists()
    with start("--no-https") as emulator:
        assert emulator.um_https_url is None and emulator.ca_file is None


def test_secrets_are_not_printed() -> None:
    with start() as emulator:
        text = repr(emulator) + repr(emulator.credentials)
        assert emulator.credentials.client_secret not in text
        assert "PRIVATE KEY" in emulator.credentials.private_key and "PRIVATE KEY" not in text


def test_reset_restores_the_state() -> None:
    with start() as emulator:
        def count() -> int:
            return len(emulator.manage("GET", "/journal")["exchanges"])

        with pytest.raises(urllib.error.HTTPError, match="401|403"):
            urllib.request.urlopen(f"{emulator.um_url}/users/{emulator.organization}/0", timeout=60)
        assert count() == 1
        emulator.reset()
        assert count() == 0


def test_a_rejected_call_says_why() -> None:
    with start() as emulator:
        with pytest.raises(EmulatorError, match="PUT /limits was rejected with 400: .*clases"):
            emulator.manage("PUT", "/limits", {"clases": {}})


def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with start() as emulator:
        emulator.reset()


def test_wrong_options_are_reported_with_the_reason() -> None:
    with pytest.raises(EmulatorError, match=r"(?s)status 2.*--limits.*documented"):
        start("--limits", "some")
    with pytest.raises(EmulatorError, match=r"(?s)status 2.*/nowhere/seed\.yaml"):
        start("--seed", "/nowhere/seed.yaml")


def test_a_missing_command_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(EmulatorError, match="cannot start /nowhere/umapi-emulator"):
        start(executable="/nowhere/umapi-emulator")
    monkeypatch.delenv("UMAPI_EMULATOR_BINARY", raising=False)
    monkeypatch.setattr("sysconfig.get_path", lambda *_, **__: str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr("umapi_emulator._process.__file__", str(tmp_path / "umapi_emulator" / "_process.py"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EmulatorError, match="not installed: install the package umapi-emulator again"):
        start()


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("echo hello", r"is not the emulator: it printed b'hello\\n'"),
        ('echo "[1]"', "is not the emulator"),
        ("exit 3", "ended with status 3"),
        ("echo no licenses >&2; exit 3", r"(?s)status 3\nno licenses"),
        ("exec sleep 60", "not ready after 0.5 seconds"),
        # More than a pipe holds: the reader must not be what it waits for.
        ("head -c 300000 /dev/zero | tr '\\0' x >&2; exit 4", "ended with status 4"),
    ],
)
def test_another_program_is_not_taken_for_the_emulator(tmp_path: Path, script: str, problem: str) -> None:
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    with pytest.raises(EmulatorError, match=problem):
        start(executable=program, timeout=0.5 if "sleep" in script else 60)


def test_a_killed_emulator_is_an_error() -> None:
    emulator = start()
    os.kill(emulator.pid, signal.SIGKILL)
    assert ends(emulator.pid)
    with pytest.raises(EmulatorError, match="POST /reset failed.*status -9"):
        emulator.reset()
    with pytest.raises(EmulatorError, match="status -9"):
        emulator.stop()
    with pytest.raises(ValueError, match="of the block"), start() as emulator:
        os.kill(emulator.pid, signal.SIGKILL)
        raise ValueError("of the block")


def test_an_emulator_that_was_stopped_by_others_is_no_error() -> None:
    # Ctrl-C in a terminal stops the tests and the emulator at the same time.
    with start() as emulator:
        os.kill(emulator.pid, signal.SIGINT)
        assert ends(emulator.pid)


@pytest.mark.parametrize("how", ["os._exit(3)", "os.kill(os.getpid(), signal.SIGKILL)", "sys.exit(0)"])
def test_it_ends_with_the_process_that_started_it(how: str) -> None:
    program = textwrap.dedent(f"""
        import os, signal, sys, umapi_emulator
        emulator = umapi_emulator.start()
        print(emulator.pid, flush=True)
        {how}
    """)
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert run.stdout, run.stderr
    assert ends(int(run.stdout))


def test_the_fixture_gives_each_test_its_own(umapi_emulator: Emulator, umapi_emulator_session: Emulator) -> None:
    assert umapi_emulator.pid != umapi_emulator_session.pid


def test_options_of_the_fixture_can_be_overridden(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("""
        import pytest

        @pytest.fixture(scope="session")
        def umapi_emulator_arguments():
            return ["--users", "7", "--no-https"]
    """)
    pytester.makepyfile("""
        def test_it(umapi_emulator):
            assert umapi_emulator.ca_file is None
            assert umapi_emulator.organization == "12345@AdobeOrg"
    """)
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


