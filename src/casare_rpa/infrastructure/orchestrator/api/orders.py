"""The body of whatever an admin orders: why, for the history and for whoever wonders later."""

from pydantic import BaseModel, Field


class Order(BaseModel):
    """An order may come without a body."""

    reason: str | None = Field(None, max_length=1024, pattern=r"^[^\x00]*$", description="Why; kept with who and when.")


def reason_of(order: Order | None) -> str:
    return order.reason or "" if order is not None else ""
