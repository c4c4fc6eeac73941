"""Fixtures of pytest, which are available without an import as soon as the package is installed."""

from __future__ import annotations

from typing import Iterator, Sequence

import pytest

from umapi_emulator._process import Emulator, start


@pytest.fixture(scope="session")
def umapi_emulator_arguments() -> Sequence[str]:
    """Options of the command, for all emulators. Override this fixture in `conftest.py`."""
    return ()


@pytest.fixture
def umapi_emulator(umapi_emulator_arguments: Sequence[str]) -> Iterator[Emulator]:
    """An emulator of Adobe's User Management API for one test."""
    with start(*umapi_emulator_arguments) as emulator:
        yield emulator


@pytest.fixture(scope="session")
def umapi_emulator_session(umapi_emulator_arguments: Sequence[str]) -> Iterator[Emulator]:
    """One emulator for all tests, for example with a large organization. Tests see the changes of each other."""
    with start(*umapi_emulator_arguments) as emulator:
        yield emulator
