"""Types of settings that are written as one text: rates, lists of names, and the address of an instance."""

import math
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator
from pydantic_settings import NoDecode

from casare_rpa.domain.instance_addresses import host_of_instance
from casare_rpa.domain.limits import RateLimit


def parse_rate(value: object) -> object:
    """The RateLimit of a text `rate:burst`; `None` for `off`."""
    if not isinstance(value, str):
        return value
    if value.strip().lower() == "off":
        return None
    rate, _, burst = value.partition(":")
    try:
        limit = RateLimit(float(rate), float(burst))
    except ValueError:
        raise ValueError(f"{value!r} is neither rate:burst (such as 100:200) nor off") from None
    finite = math.isfinite(limit.per_second) and math.isfinite(limit.burst)
    if not finite or limit.per_second <= 0 or limit.burst < 1:
        raise ValueError(f"{value!r}: the rate must be above 0, the burst at least 1, both finite")
    return limit


def _split(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _instance_address(value: str | None) -> str | None:
    address = (value or "").removesuffix("/")
    if not address:
        return None
    if not host_of_instance(address):
        # The value is not shown, because it may hold a password.
        raise ValueError(
            "not an address such as http://10.0.0.5:8000 or https://north.example.com (http or https, a host, perhaps "
            "a port; no user, no path, not 0.0.0.0)"
        )
    return address


Rate = Annotated[RateLimit | None, NoDecode, BeforeValidator(parse_rate)]
Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
InstanceAddress = Annotated[str | None, AfterValidator(_instance_address)]
