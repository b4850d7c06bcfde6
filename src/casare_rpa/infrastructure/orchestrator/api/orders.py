"""The optional body of a command: its reason, for the history and the audit trail."""

from pydantic import BaseModel, Field

from casare_rpa.domain.limits import MAX_REASON_LENGTH


class Order(BaseModel):
    """The reason of a command. The body may be omitted."""

    reason: str | None = Field(
        None,
        max_length=MAX_REASON_LENGTH,
        pattern=r"^[^\x00]*$",
        description="The reason; stored with principal and time.",
    )


def reason_of(order: Order | None) -> str:
    return order.reason or "" if order is not None else ""
