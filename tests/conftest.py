"""Fitted projects, made once a session and copied for every test."""

import shutil

import fitted
import generated  # noqa: F401 - its profile must be known before the command line names it
import pytest


@pytest.fixture(scope="session")
def small_home(tmp_path_factory):
    home = tmp_path_factory.mktemp("small")
    fitted.write_small(home)
    return home


@pytest.fixture(scope="session")
def demo_home(tmp_path_factory):
    home = tmp_path_factory.mktemp("demo")
    fitted.write_demo(home)
    return home


def current_copy(home, folder, monkeypatch):
    shutil.copytree(home, folder)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def small(small_home, tmp_path, monkeypatch):
    """Return the folder of a small fitted project, which is also the current folder."""
    return current_copy(small_home, tmp_path / "project", monkeypatch)


@pytest.fixture
def demo(demo_home, tmp_path, monkeypatch):
    """Return the folder of the fitted demo project, which is also the current folder."""
    return current_copy(demo_home, tmp_path / "demo", monkeypatch)
