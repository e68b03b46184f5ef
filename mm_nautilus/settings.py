"""The base of every settings model: frozen, strict about unknown keys, numbers finite and not truth values."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, get_args

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, ValidationInfo, field_validator


def _as_utc(value: object) -> object:
    """Read a date-time without a zone as UTC."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value


type UtcDatetime = Annotated[AwareDatetime, BeforeValidator(_as_utc)]
"""An instant; one without a zone is UTC."""


class Settings(BaseModel):
    """Frozen pydantic model that refuses unknown keys, infinities, NaN, and true or false for a number."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, validate_default=True)

    @field_validator("*", mode="before")
    @classmethod
    def _truth_is_no_number(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse what pydantic would read as 1 or 0."""
        if isinstance(value, bool) and info.field_name is not None:
            annotation = cls.model_fields[info.field_name].annotation
            if bool not in (annotation, *get_args(annotation)) and annotation is not Any:
                raise ValueError("should be a value of another type than true or false")
        return value
