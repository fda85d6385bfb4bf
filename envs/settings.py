"""The base of every configuration section: frozen values, and unknown keys are refused."""

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """Subclass with typed fields, each with its default, its unit and its range beside it."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
