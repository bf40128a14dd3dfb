"""What First Target can hold."""

from __future__ import annotations

from crosskey import FieldSpec, KindSpec, ReferenceSpec, TargetSchema

__all__ = ("SCHEMA", "USER")

USER = KindSpec(
    name="user",
    summary="Somebody who may sign in",
    fields=(
        # The lengths are promises: crosskey cuts by them, and what reads back shorter would be written for ever.
        FieldSpec(name="name", summary="Full name", required=True, max_length=200),
        FieldSpec(name="email", summary="Address, unique", required=True, max_length=254),
        FieldSpec(name="title", summary="What they do", max_length=120),
        FieldSpec(name="phone", summary="Telephone", max_length=40),
    ),
    references=(ReferenceSpec(name="roles", summary="What they may do", many=True),),
)

SCHEMA = TargetSchema(
    kinds=(USER,),
    batch=1,  # the service takes one account in a request,
    concurrency=4,  # and a few at a time
    settle=30.0,  # after so many seconds a write is surely visible, if it happened
)
