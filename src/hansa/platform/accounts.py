"""Accounts: people, their passkeys, their sessions and the links that let them in, kept in `DATA/trust.db`.

Nothing here opens anything by itself: passkeys are public keys, passwords argon2id hashes, sessions and links hashes of
random secrets. The secrets of one-time codes cannot be hashed; so the file is sealed. Every change is on disk before it
is answered (`synchronous=FULL`). Plain and synchronous: `platform/people` calls it in a thread of its own.
"""

import secrets
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import apsw
import msgspec

from hansa.errors import AlreadyExists, BadRequest, HansaError, NotFound
from hansa.platform.sqlite import sealed
from hansa.trust.people import Link, Passkey, Person
from hansa.trust.sessions import Session

VERSION: Final = 1
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS said(name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS people(
    name TEXT PRIMARY KEY, shown TEXT NOT NULL, roles TEXT NOT NULL, departments TEXT NOT NULL, disabled INT NOT NULL,
    handle BLOB NOT NULL UNIQUE, password TEXT NOT NULL, totp TEXT NOT NULL, counter INT NOT NULL, made_at INT NOT NULL,
    seen_at INT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS passkeys(
    id BLOB PRIMARY KEY, person TEXT NOT NULL REFERENCES people(name), key BLOB NOT NULL, count INT NOT NULL,
    site TEXT NOT NULL, called TEXT NOT NULL, made_at INT NOT NULL, used_at INT NOT NULL, synced INT NOT NULL,
    doubted INT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS passkeys_of ON passkeys(person);
CREATE TABLE IF NOT EXISTS links(
    hash BLOB PRIMARY KEY, kind TEXT NOT NULL, person TEXT NOT NULL, shown TEXT NOT NULL, roles TEXT NOT NULL,
    departments TEXT NOT NULL, by TEXT NOT NULL, made_at INT NOT NULL, until INT NOT NULL
) STRICT, WITHOUT ROWID;
-- Of a link that two agreed upon: what each has been told of it, as a hash; empty until he has.
CREATE TABLE IF NOT EXISTS halves(
    link BLOB NOT NULL, holder TEXT NOT NULL, hash BLOB NOT NULL, PRIMARY KEY(link, holder)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sessions(
    id TEXT PRIMARY KEY, hash BLOB NOT NULL, person TEXT NOT NULL, method TEXT NOT NULL, began INT NOT NULL,
    until INT NOT NULL, idle INT NOT NULL, seen INT NOT NULL, proven INT NOT NULL, address TEXT NOT NULL,
    agent TEXT NOT NULL
) STRICT, WITHOUT ROWID;
"""
_PERSON: Final = "name, shown, roles, departments, disabled, handle, password, totp, counter, made_at, seen_at"
_PASSKEY: Final = "id, person, key, count, site, called, made_at, used_at, synced, doubted"
_LINK: Final = "hash, kind, person, shown, roles, departments, by, made_at, until"
_SESSION: Final = "id, hash, person, method, began, until, idle, seen, proven, address, agent"


class Accounts:
    """The file of accounts."""

    def __init__(self, path: Path | str, key: bytes | None) -> None:
        """Open it, or make it. `key` is what it is sealed with."""
        if str(path) != ":memory:" and not Path(path).exists():
            Path(path).touch(mode=0o600)
        self._db = sealed.connect(path, key)
        self._db.pragma("journal_mode", "wal")
        self._db.pragma("synchronous", "full")
        self._db.pragma("foreign_keys", True)
        self._db.pragma("secure_delete", True)
        with self._db:
            self._db.execute(_SCHEMA)
            version = int.from_bytes(self.said("version", VERSION.to_bytes(2, "big")), "big")
        if version != VERSION:
            self._db.close()
            raise HansaError(
                f"{path} is of version {version}, this hansa reads {VERSION}", mend="install a newer hansa"
            )

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def said(self, name: str, first: bytes) -> bytes:
        """A value that is kept for ever: what it is, or `first` from now on."""
        self._run("INSERT INTO said VALUES(?, ?) ON CONFLICT DO NOTHING", name, first)
        found: bytes = self._run("SELECT value FROM said WHERE name = ?", name).get
        return found

    def secret(self, name: str) -> bytes:
        """32 random bytes of this city, made once: for what it signs for itself."""
        return self.said(name, secrets.token_bytes(32))

    def _run(self, sql: str, *given: Any) -> apsw.Cursor:
        return self._db.execute(sql, given)

    # People

    def person(self, name: str) -> Person | None:
        """One account."""
        return next(self._people("WHERE name = ?", name), None)

    def people(self) -> list[Person]:
        """Every account, by name."""
        return list(self._people("ORDER BY name"))

    def _people(self, where: str, *given: Any) -> Iterator[Person]:
        # nosemgrep: sql-is-written-out  # `where` is our own words
        for row in self._run(f"SELECT {_PERSON} FROM people {where}", *given):  # noqa: S608
            name, shown, roles, departments, disabled, handle, *rest = row
            yield Person(name, shown, _set(roles), _set(departments), bool(disabled), handle, *rest)

    def keep(self, person: Person) -> None:
        """Write down what became of an account."""
        with self._db:
            self._keep(person)

    def _keep(self, person: Person) -> None:
        self._run(
            f"INSERT INTO people({_PERSON}) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(name) DO UPDATE SET"
            " shown = excluded.shown, roles = excluded.roles, departments = excluded.departments,"
            " disabled = excluded.disabled, password = excluded.password, totp = excluded.totp,"
            " counter = excluded.counter, seen_at = excluded.seen_at",
            person.name, person.shown, _text(person.roles), _text(person.departments), int(person.disabled),
            person.handle, person.password, person.totp, person.counter, person.made_at, person.seen_at,
        )  # fmt: skip

    def count_code(self, name: str, step: int) -> bool:
        """Use up a one-time code; False when it, or a newer one, was used meanwhile."""
        self._run("UPDATE people SET counter = ? WHERE name = ? AND counter < ?", step, name, step)
        return self._db.changes() == 1

    # Passkeys

    def passkey(self, ident: bytes) -> Passkey | None:
        """One passkey by its credential id."""
        return next(self._passkeys("WHERE id = ?", ident), None)

    def passkeys(self, person: str) -> list[Passkey]:
        """Those of a person, the oldest first."""
        return list(self._passkeys("WHERE person = ? ORDER BY made_at", person))

    def _passkeys(self, where: str, *given: Any) -> Iterator[Passkey]:
        # nosemgrep: sql-is-written-out  # `where` is our own words
        for row in self._run(f"SELECT {_PASSKEY} FROM passkeys {where}", *given):  # noqa: S608
            one = Passkey(*row)
            yield replace(one, synced=bool(one.synced), doubted=bool(one.doubted))

    def passkeyed(self) -> dict[str, int]:
        """How many passkeys that may be used everybody has."""
        return dict(self._run("SELECT person, count(*) FROM passkeys WHERE NOT doubted GROUP BY person"))

    def add_passkey(self, one: Passkey, most: int) -> None:
        """A new one; AlreadyExists when this credential is known, BadRequest when its owner has `most` already."""
        with self._db:
            held: Any = self._run("SELECT count(*) FROM passkeys WHERE person = ?", one.person).get
            if held >= most:
                raise BadRequest(f"{most} passkeys are enough", where="passkeys", mend="remove one first")
            self._add(one)

    def _add(self, one: Passkey) -> None:
        try:
            self._run(
                f"INSERT INTO passkeys({_PASSKEY}) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                one.id, one.person, one.key, one.count, one.site, one.called, one.made_at, one.used_at,
                int(one.synced), int(one.doubted),
            )  # fmt: skip
        except apsw.ConstraintError:
            raise AlreadyExists("this passkey is known already", where="credential") from None

    def use_passkey(self, before: Passkey, after: Passkey) -> bool:
        """It has signed; False when it has signed at the same time elsewhere, with the same count."""
        self._run(
            "UPDATE passkeys SET count = ?, used_at = ?, synced = ?, doubted = ? WHERE id = ? AND count = ?",
            after.count, after.used_at, int(after.synced), int(after.doubted), after.id, before.count,
        )  # fmt: skip
        return self._db.changes() == 1

    def call_passkey(self, one: Passkey, called: str) -> None:
        """Call it something else."""
        self._run("UPDATE passkeys SET called = ? WHERE id = ?", called, one.id)

    def drop_passkey(self, one: Passkey) -> None:
        """Forget it."""
        self._run("DELETE FROM passkeys WHERE id = ?", one.id)

    # Links

    def link(self, hashed: bytes) -> Link | None:
        """The link of a secret's hash, whether it is still good or not."""
        return next(self._links("WHERE hash = ?", hashed), None)

    def links(self) -> list[Link]:
        """Every link that was not opened."""
        return list(self._links("ORDER BY made_at"))

    def _links(self, where: str, *given: Any) -> Iterator[Link]:
        # All rows at once: what is left half read is a snapshot that keeps this connection from writing.
        # nosemgrep: sql-is-written-out  # `where` is our own words
        rows: list[Any] = self._run(f"SELECT {_LINK} FROM links {where}", *given).fetchall()  # noqa: S608
        for hashed, kind, person, shown, roles, departments, by, made_at, until in rows:
            held: list[Any] = self._run("SELECT holder FROM halves WHERE link = ? ORDER BY holder", hashed).fetchall()
            holders = tuple(holder for (holder,) in held)
            of = (_set(roles), _set(departments), by, made_at, until, holders)
            yield Link(hashed, kind, person, shown, *of)

    def add_link(self, one: Link, instead: Iterable[Link] = ()) -> None:
        """A new link, perhaps instead of others."""
        with self._db:
            for old in instead:
                self.drop_link(old)
            self._run(
                f"INSERT INTO links({_LINK}) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
                one.hash, one.kind, one.person, one.shown, _text(one.roles), _text(one.departments), one.by,
                one.made_at, one.until,
            )  # fmt: skip
            for holder in one.holders:
                self._run("INSERT INTO halves VALUES(?, ?, x'')", one.hash, holder)

    def tell_half(self, one: Link, holder: str, hashed: bytes) -> None:
        """One of the two has a half of a link's secret, by its hash; NotFound when the link is gone."""
        self._run("UPDATE halves SET hash = ? WHERE link = ? AND holder = ?", hashed, one.hash, holder)
        if self._db.changes() != 1:
            raise NotFound("there is no such link", where="link")

    def half(self, hashed: bytes) -> tuple[Link, str] | None:
        """The link of which this is a half by its hash, and whose half it is."""
        row: Any = self._run("SELECT link, holder FROM halves WHERE hash = ?", hashed).fetchone()
        found = self.link(row[0]) if row else None
        return None if found is None else (found, row[1])

    def drop_link(self, one: Link) -> bool:
        """It opens nothing any more; whether it was there."""
        with self._db:
            self._run("DELETE FROM halves WHERE link = ?", one.hash)
            self._run("DELETE FROM links WHERE hash = ?", one.hash)
        return self._db.changes() == 1

    def open_link(self, link: Link, person: Person, passkey: Passkey | None) -> None:
        """Somebody comes in by a link, which is thereby used up. NotFound when it was used; AlreadyExists for a name.

        Whoever is let in again has nothing of what he had before: neither passkeys nor sessions.
        """
        with self._db:
            if not self.drop_link(link):
                raise NotFound("this link is not good", where="link", mend="ask for another one")
            if link.kind == "recover":
                self._run("DELETE FROM passkeys WHERE person = ?", person.name)
                self._run("DELETE FROM sessions WHERE person = ?", person.name)
            elif self.person(person.name) is not None:
                raise AlreadyExists("this name is taken", where="name", mend="take another one")
            self._keep(person)
            if passkey is not None:
                self._add(passkey)

    # Sessions

    def sessions(self) -> list[Session]:
        """Every session that was not ended."""
        found = [Session(*row) for row in self._run(f"SELECT {_SESSION} FROM sessions")]  # noqa: S608
        for one in found:
            one.noted = one.seen
        return found

    def keep_session(self, one: Session, gone: Iterable[Session] = ()) -> None:
        """A session that began, or was renewed, and those that ended for it."""
        with self._db:
            self._run(
                f"INSERT OR REPLACE INTO sessions({_SESSION}) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                one.id, one.hash, one.person, one.method, one.began, one.until, one.idle, one.seen, one.proven,
                one.address, one.agent,
            )  # fmt: skip
            self._run("UPDATE people SET seen_at = ? WHERE name = ?", one.seen, one.person)
            self._end(gone)

    def end_sessions(self, gone: Iterable[Session]) -> None:
        """These have ended."""
        with self._db:
            self._end(gone)

    def _end(self, gone: Iterable[Session]) -> None:
        self._db.executemany("DELETE FROM sessions WHERE id = ?", [(one.id,) for one in gone])

    def use_sessions(self, used: Iterable[tuple[str, int]]) -> None:
        """When sessions were last used."""
        with self._db:
            self._db.executemany("UPDATE sessions SET seen = ? WHERE id = ?", [(seen, ident) for ident, seen in used])


def _text(names: frozenset[str]) -> str:
    return msgspec.json.encode(sorted(names)).decode()


def _set(text: str) -> frozenset[str]:
    return msgspec.json.decode(text, type=frozenset[str])
