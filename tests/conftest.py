"""Fitted projects, made once a session and copied for every test."""

import shutil

import fitted
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


@pytest.fixture
def small(small_home, tmp_path, monkeypatch):
    """Return the folder of a small fitted project, which is also the current folder."""
    folder = tmp_path / "project"
    shutil.copytree(small_home, folder)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def demo(demo_home, tmp_path, monkeypatch):
    """Return the folder of the fitted demo project, which is also the current folder."""
    folder = tmp_path / "demo"
    shutil.copytree(demo_home, folder)
    monkeypatch.chdir(folder)
    return folder
