"""Smart Data Models: JSON Schemas that say what entities of a type look like, and entities held against them.

Owns: reading schemas (`schema`), what could make one endless (`bounds`), the city's register of them (`register`), and
writes held against them (`weighing`). Must not: fetch anything; what a schema refers to is given as a file like itself.
Report: 4.1.9.4.
"""

from hansa.platform.models.weighing import Breach, Models

__all__ = ["Breach", "Models"]
