"""Nouns of the city, and nothing that touches the world.

Owns: what an Entity, an Attribute, a Change and a Write are; how a Write meets a state (`merge`); the query language
(`query`), geometry (`geo`), units (`units`), @context (`context`) and the wire forms of NGSI-LD (`wire`).
Must not: open a socket, a file or a database, start a thread, or know who asks.
Report: 2.2.3, the unified information base.
"""
