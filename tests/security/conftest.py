"""The running application of the API tests, under attack."""

from api.conftest import api

__all__ = ["api"]
