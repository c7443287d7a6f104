"""The embedded store: one SQLite file a realm, through apsw.

Owns: the schema (`schema`), the writer's transaction (`store`), reading (`reader`), types and attributes there are
(`census`), the log as Changes (`log`), what the indexes hold of a document (`rows`), proofs and repair (`check`).
State, attribute index, R*Tree, history and log commit together with `synchronous=FULL`. Report: 2.1.3.
"""

from hansa.platform.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
