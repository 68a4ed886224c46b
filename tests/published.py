"""The published data sets that lie beside the project and are no part of it; without them their tests are skipped."""

from pathlib import Path

import pytest

SHARED = Path(__file__).parents[2] / "shared" / "data"
published = pytest.mark.skipif(not SHARED.is_dir(), reason="needs the published data sets in ../shared/data")
