"""The limits of presets."""

import pytest

from casare_rpa.domain.errors import ProtocolError
from casare_rpa.domain.presets import MAX_PRESET_BYTES, check_size


def test_request_of_the_largest_size_is_accepted() -> None:
    check_size("x" * MAX_PRESET_BYTES)


@pytest.mark.parametrize("request_text", ["x" * (MAX_PRESET_BYTES + 1), "ä" * (MAX_PRESET_BYTES // 2 + 1)])
def test_larger_request_is_refused(request_text: str) -> None:
    with pytest.raises(ProtocolError, match="over 65536 bytes") as refused:
        check_size(request_text)
    assert refused.value.field == "parameters"
