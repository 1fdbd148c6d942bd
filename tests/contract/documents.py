"""OpenAPI documents with one history route."""

from __future__ import annotations

from isr_analysis.contract import openapi
from isr_analysis.contract.contract import History


def document(*parameters, path="/api/v1/subscriber/history", description="", **more):
    """Write a document with one history route."""
    route = {"get": {"description": description, "parameters": list(parameters)}}
    return {"openapi": "3.1.0", "paths": {path: route}, **more}


def query(name, *, required=False, description="", **schema):
    """Write a query parameter."""
    return {"name": name, "in": "query", "required": required, "description": description, "schema": schema}


def read(*parameters, **more) -> History:
    """Read the history's part of the contract."""
    return openapi.read(document(*parameters, **more), "/openapi.json").history


ISO = {"type": "string", "format": "date-time"}
