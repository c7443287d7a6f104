"""Which labels of a file a sight sees: decided once a label, and then a number that SQL can look for."""

from collections.abc import Iterable
from typing import Final, Protocol

from hansa.errors import BadRequest
from hansa.trust.labels import AUDITED, CLASSES, Label, Sight, unlabelled

_FEW: Final = 8


class Words(Protocol):
    """What is needed of a file's `Names`."""

    def refresh(self) -> None:
        """Take up words that others have added."""

    def since(self, n: int) -> dict[int, str]:
        """Every word from the number `n` on."""

    def text(self, n: int) -> str:
        """The word of a number."""


class Labels:
    """The labels that a file may hold, by their numbers; 0 stands for none, which is a label too.

    Every interned word that reads as a label counts, also one that is only the name of an attribute.
    """

    def __init__(self, names: Words, realm: str) -> None:
        """Of a file with these words."""
        self._names = names
        self.looked = 0  # words
        self.texts: dict[int, str] = {0: unlabelled(realm)}

    def refresh(self) -> None:
        """Learn of labels that are new."""
        self._names.refresh()
        for n, word in self._names.since(self.looked).items():
            self.looked = max(self.looked, n + 1)
            if n and word.partition(";")[0] in CLASSES and _is_label(word):
                self.texts[n] = word

    def text(self, n: int) -> str:
        """The label of a number."""
        return self.texts.get(n) or self._names.text(n)


class Visible:
    """What one sight sees of a file's labels, as things stood when it was made."""

    __slots__ = ("_labels", "_sees", "_texts", "audited", "epoch", "every", "known", "sight", "where")

    def __init__(self, labels: Labels, sight: Sight) -> None:
        """Decide every label that is known."""
        self._labels = labels
        self.sight = sight
        self.epoch = sight.epoch
        self.known = len(labels.texts)
        self._sees = {n: sight.sees(text) for n, text in labels.texts.items()}
        self._texts: dict[str, bool] = {text: self._sees[n] for n, text in labels.texts.items()}
        self.every = all(self._sees.values())
        numbers = [n for n, seen in self._sees.items() if seen]
        # For a list SQLite makes a table with every question, which takes longer than a few comparisons.
        few = 0 < len(numbers) <= _FEW
        self.where = " OR ".join(f"{{}} = {n}" for n in numbers) if few else f"{{}} IN ({','.join(map(str, numbers))})"
        """Which numbers it sees, as a condition in SQL on the column `{}`."""
        audited = {n for n, text in labels.texts.items() if text.partition(";")[0] in AUDITED and self._sees[n]}
        self.audited = frozenset(audited) if sight.rights is not None else frozenset()
        """Numbers of labels under which it is written down what was shown."""

    def hidden(self, labels: dict[str, str]) -> list[str]:
        """Which attributes, of those with a label of their own, it does not see."""
        texts, sees = self._texts, self.sight.sees
        return [name for name, text in labels.items() if not (texts[text] if text in texts else sees(text))]

    def shows(self, ident: str, label: int) -> bool:
        """Whether an entity under the label of this number is shown; that it was is noted, where it must be."""
        if label not in self._sees:  # it is newer than this
            self._labels.refresh()
            text = self._labels.text(label)
            seen = self.sight.sees(text)
            if seen:
                self.note(ident, [text])
            return seen
        if label in self.audited:
            self.note(ident, [self._labels.text(label)])
        return self._sees[label]

    def note(self, ident: str, labels: Iterable[str]) -> None:
        """Note that something of an entity was shown, where that is personal or security information."""
        rights = self.sight.rights
        if rights is not None:
            for text in labels:
                if text.partition(";")[0] in AUDITED:
                    rights.saw(ident, text)


def _is_label(word: str) -> bool:
    try:
        Label.parse(word)
    except BadRequest:
        return False
    return True
