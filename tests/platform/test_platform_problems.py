"""Problems in words that can be sent, whatever somebody said that they repeat."""

import json

from hansa.errors import BadRequest
from hansa.platform.http import problem


def test_half_a_character_is_refused_in_words_that_can_be_sent():
    answer = problem(BadRequest("there is no \ud800", where="\udfff"))
    assert answer.status == 400
    assert json.loads(answer.body)["detail"].startswith("there is no ")
    answer.body.decode("ascii")


def test_other_words_are_sent_as_they_are():
    assert "für Ⅳ".encode() in problem(BadRequest("für Ⅳ")).body
