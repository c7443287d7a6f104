"""Interned words: attribute names, units, datasets, actors and labels are said once and then are numbers."""

import apsw


class Names:
    """Words and their numbers; 0 is the empty word. The writer adds, readers look up and catch up when they must."""

    def __init__(self, db: apsw.Connection) -> None:
        """Read what the file holds."""
        self._db = db
        self._number: dict[str, int] = {}
        self._text: dict[int, str] = {}
        self._new: list[tuple[int, str]] = []
        self.refresh()

    def __len__(self) -> int:
        """How many words are known here."""
        return len(self._text)

    def refresh(self) -> None:
        """Take up words that others have added."""
        newest = max(self._text, default=-1)
        for n, text in self._db.execute("SELECT n, text FROM name WHERE n > ?", (newest,)):
            self._number[text] = n
            self._text[n] = text

    def intern(self, text: str) -> int:
        """The number of a word; a new one is written with the next `flush`."""
        n = self._number.get(text)
        if n is None:
            n = self._number[text] = len(self._text)
            self._text[n] = text
            self._new.append((n, text))
        return n

    def flush(self) -> None:
        """Write new words, inside the writer's transaction."""
        if self._new:
            self._db.executemany("INSERT INTO name VALUES (?, ?)", self._new)

    def settled(self, *, committed: bool) -> None:
        """After the transaction: keep the new words, or forget them with it."""
        if not committed:
            for n, text in self._new:
                del self._number[text], self._text[n]
        self._new.clear()

    def known(self, text: str) -> int | None:
        """The number of a word, if it is known without looking."""
        return self._number.get(text)

    def number(self, text: str) -> int | None:
        """The number of a word, or None when nobody has said it."""
        n = self._number.get(text)
        if n is None:
            self.refresh()
            n = self._number.get(text)
        return n

    def text(self, n: int) -> str:
        """The word of a number."""
        found = self._text.get(n)
        if found is None:
            self.refresh()
            found = self._text[n]
        return found

    def since(self, n: int) -> dict[int, str]:
        """Every word from the number `n` on."""
        return {one: self._text[one] for one in range(n, len(self._text))}

    def words(self, known: int = 0) -> dict[str, int]:
        """Every word but the first `known`."""
        return {text: n for n, text in self._text.items() if n >= known}

    def starting(self, prefix: str) -> dict[str, int]:
        """Every word that begins so."""
        self.refresh()
        return {text: n for text, n in self._number.items() if text.startswith(prefix)}
