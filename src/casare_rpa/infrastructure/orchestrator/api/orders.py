"""The body of whatever an admin orders: why, for the history and for whoever wonders later."""

from pydantic import BaseModel, Field

from casare_rpa.infrastructure.orchestrator.api.parameters import PLAIN_TEXT


class Order(BaseModel):
    """An order may come without a body."""

    reason: str = Field("", max_length=1024, pattern=PLAIN_TEXT, description="Why; kept with who and when.")


def reason_of(order: Order | None) -> str:
    return order.reason if order is not None else ""
