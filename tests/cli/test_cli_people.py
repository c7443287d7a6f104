"""`hansa person`: who may sign in, said to a city that sleeps and to one that runs."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cities import run

from served import KNOWN
from soft_key import SoftKey


@pytest.fixture(params=["asleep", "running"])
def where(request: pytest.FixtureRequest, tmp_path: Path, serve: Callable[..., Any]) -> Iterator[Path]:
    """The folder of a city, once asleep and once running."""
    if request.param == "running":
        yield serve(trusted=False).folder
    else:
        run("person", "enrol", "--data", tmp_path / "asleep")
        yield tmp_path / "asleep"


def told(*words: Any, data: Path, code: int = 0) -> str:
    found = run("person", *words, "--data", data)
    assert found.exit_code == code, found.output
    return str(found.output)


def listed(data: Path) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = json.loads(run("person", "list", "--json", "--data", data).stdout)
    return found


def test_the_first_link_is_printed_anew_and_somebody_is_invited_and_uninvited(where: Path) -> None:
    one, two = (told("enrol", data=where).strip() for _ in range(2))
    assert one.startswith("http://localhost:")
    assert "/enrol/" in one
    assert one != two
    assert [link["kind"] for link in listed(where)["invitations"]] == ["first"]
    told("invite", "bob", "--role", "member", "--department", "parks", "--shown", "Bob B.", data=where)
    link = listed(where)["invitations"][1]
    assert (link["name"], link["shown"], link["roles"], link["departments"]) == ("bob", "Bob B.", ["member"], ["parks"])
    assert "bob" in told("list", data=where)
    told("withdraw", "bob", data=where)
    assert len(listed(where)["invitations"]) == 1
    assert "no link waits" in told("withdraw", "bob", data=where, code=2)


def test_what_cannot_be_is_said_in_a_sentence(where: Path) -> None:
    assert "no account" in told("roles", "nobody", "--role", "operator", data=where, code=2)
    assert "no account" in told("close", "nobody", data=where, code=2)
    assert "no account" in told("recover", "nobody", data=where, code=2)
    assert "no roles of a person" in told("invite", "--role", "king", data=where, code=2)
    assert "no name of an account" in told("invite", "A B", "--role", "operator", data=where, code=2)
    assert run("person", "invite", "--data", where).exit_code == 2


def test_roles_are_changed_accounts_closed_and_somebody_is_let_in_again(serve: Callable[..., Any]) -> None:
    city = serve(trusted=False)
    data = city.folder

    def comes_in(link: str, name: str) -> None:
        origin = link.split("/enrol/", maxsplit=1)[0]
        headers = {"origin": origin, "sec-fetch-site": "same-origin", "x-hansa": "page"}
        who = {"link": link.rsplit("/", 1)[1], "name": name, "shown": name.title()}
        with httpx.Client(base_url=origin, headers=headers, verify=KNOWN, trust_env=False, timeout=30) as http:
            made = SoftKey(origin).make(http.post("/account/enrol/ask", json=who).json())
            assert http.post("/account/enrol/passkey", json={**who, "credential": made}).status_code == 200

    comes_in(city.link, "ada")
    assert "there is an administrator already" in told("enrol", data=data, code=2)
    comes_in(told("invite", "bob", "--role", "operator", data=data).split()[0], "bob")
    assert [one["name"] for one in listed(data)["people"]] == ["ada", "bob"]
    assert told("roles", "bob", "--role", "auditor", data=data).strip() == "bob is auditor"
    told("close", "bob", data=data)
    assert listed(data)["people"][1]["disabled"]
    told("open", "bob", data=data)
    assert "last administrator" in told("close", "ada", data=data, code=2)
    assert told("end", "ada", data=data).startswith("1 session")
    comes_in(told("recover", "ada", data=data).split()[0], "ada")
    assert listed(data)["people"][0]["passkeys"] == 1
    city.stop()
    assert [one["name"] for one in listed(data)["people"]] == ["ada", "bob"], "and asleep it says the same"
