"""The files of the page: kept for ever under their mark, asked for again without it, and nothing beside them."""

import pytest

from hansa.centres.files import Files


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "page.js").write_text("export const one = 1;")
    (tmp_path / "deep" / "worker.mjs").write_text("postMessage(1)")
    (tmp_path / "hansa.css").write_text(":root{}")
    (tmp_path / ".secret").write_text("no")
    (tmp_path.parent / "outside.txt").write_text("outside")
    return tmp_path


@pytest.fixture
def held(folder):
    return Files(folder)


@pytest.fixture
def client(held, browse):
    return browse([held.route()])


def test_a_file_under_its_mark_is_kept_for_ever(client, held):
    answer = client.get(held.address("deep/worker.mjs"))
    assert answer.text == "postMessage(1)"
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_same_file_without_its_mark_or_under_an_old_one_is_asked_for_again(client):
    for path in ("/static/page.js", "/static/0123456789ab/page.js"):
        answer = client.get(path)
        assert (answer.status_code, answer.text) == (200, "export const one = 1;")
        assert "no-cache" in answer.headers["cache-control"]


def test_a_browser_that_has_the_file_gets_no_body(client, held):
    etag = client.get("/static/hansa.css").headers["etag"]
    again = client.get("/static/hansa.css", headers={"if-none-match": f'"other", W/{etag}'})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get("/static/hansa.css", headers={"if-none-match": '"other"'}).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "../outside.txt",
        "%2e%2e/outside.txt",
        "..%2foutside.txt",
        "deep/../../outside.txt",
        ".secret",
        "deep",
        "",
        "nothing.js",
    ],
)
def test_nothing_beside_the_files_can_be_reached(client, held, path):
    for start in ("/static/", f"/static/{held.mark}/"):
        answer = client.get(start + path)
        assert answer.status_code == 404
        assert "outside" not in answer.text


def test_changing_any_file_changes_the_mark_of_all(folder, held):
    (folder / "deep" / "worker.mjs").write_text("postMessage(2)")
    assert Files(folder).mark != held.mark


def test_the_same_files_have_the_same_mark(folder, held):
    assert Files(folder).mark == held.mark


def test_a_template_cannot_name_a_file_that_is_not_there(held):
    assert "page.js" in held
    assert "gone.js" not in held
    with pytest.raises(KeyError):
        held.address("gone.js")


def test_only_reading_is_possible(client):
    assert client.post("/static/page.js").status_code == 405
    assert client.head("/static/page.js").status_code == 200


def test_the_modules_that_one_needs_are_found_without_those_that_it_may_want_later(tmp_path):
    (tmp_path / "base").mkdir()
    (tmp_path / "dom.js").write_text('// import { no } from "./no.js"\nexport const h = 1;')
    (tmp_path / "base" / "one.js").write_text(
        'import { h } from "../dom.js";\nimport {\n  two,\n} from "./two.js";\nawait import("./late.js");'
    )
    (tmp_path / "base" / "two.js").write_text('export { h } from "../dom.js";\nimport "./one.js";')
    assert sorted(Files(tmp_path).modules("base/one.js")) == ["base/one.js", "base/two.js", "dom.js"]
    (tmp_path / "dom.js").write_text('import "./gone.js";')
    with pytest.raises(KeyError, match=r"gone\.js"):
        Files(tmp_path).modules("base/one.js")
