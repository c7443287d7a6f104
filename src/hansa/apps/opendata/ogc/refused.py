"""What is refused, each with the status that says whose it is to mend."""

from typing import ClassVar, Final

from hansa import Refusal


class TooMuch(Refusal):
    """More than one answer may take: narrow it."""

    status: ClassVar[int] = 413
    title: ClassVar[str] = "Too much for one answer"


class TooLong(Refusal):
    """It would keep the city busy for longer than one question may."""

    status: ClassVar[int] = 503
    title: ClassVar[str] = "It takes too long"
    retry_after_s: Final = 5


class NotAcceptable(Refusal):
    """None of the forms that the asker accepts."""

    status: ClassVar[int] = 406
    title: ClassVar[str] = "Not in a form that you accept"
