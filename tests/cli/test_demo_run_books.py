"""The run-books that the demo valley loads are those that hansa ships."""

from hansa.apps.incidents import books
from hansa.cli.demo.past import run_books


def test_the_demo_brings_four_run_books_for_staff_and_each_is_sound() -> None:
    loaded = list(run_books())
    assert len({one["id"] for one in loaded}) == 4
    for one in loaded:
        assert one["label"] == "smart"
        assert books.steps(one["doc"]["steps"]["value"])
