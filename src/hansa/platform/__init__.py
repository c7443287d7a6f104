"""Platforms: the one shared picture, its log, and the ways in and out of it.

Owns: the City (one way in), the stores, what a Write does to a state (`merge`), realms, subscriptions and the NGSI-LD
binding. Must not: know an app, a page, or the science of anything. Report: 2.1.3.
"""
