"""The fixtures of `conftest_ngsild`, which tests import by a name that no other folder has."""

from conftest_ngsild import api, quick

__all__ = ["api", "quick"]
