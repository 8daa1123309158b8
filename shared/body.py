"""What bodies of facts are made of: the types of their members, and their common base."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Text = Annotated[str, StringConstraints(max_length=500)]
Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,40}$")]
DeclarationNo = Annotated[str, StringConstraints(pattern=r"^[0-9]{13}$")]
FactRef = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9-]{1,60}\.[1-9][0-9]{0,5}/[1-9][0-9]{0,15}$")]
JournalId = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9-]{1,60}\.[1-9][0-9]{0,5}$")]
Number = Annotated[int, Field(ge=0, lt=2**53)]
Vnd = Annotated[int, Field(ge=0, lt=2**53, strict=True)]
"""Whole đồng, as a number: the text "300.000" would be read as 300."""
PaymentRef = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:/-]{1,100}$")]
Clause = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,2}\.[0-9]{1,2}(\.[a-zđ])?$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Probability = Annotated[float, Field(ge=0, le=1)]


class Body(BaseModel):
    """Base of all bodies: immutable, and strict about members nobody knows."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Commitment(Body):
    """Stands where a personal value was: SHA-256 over salt and value."""

    commitment: Sha256
