"""Nothing but `realms` carries information from one realm's city to another's: read in the code, and in the files.

In the code: no function outside the door deals with two cities at once. Which realm a function is about, it is told
once (`cities[realm]`); one that names two, or takes two, or walks over all while it writes to one, is a second door.
"""

import ast
import base64
import re
from pathlib import Path

import httpx
import pytest

SOURCE = Path(__file__).parents[2] / "src" / "hansa"
DOOR = {"platform/realms.py", "platform/deriving.py"}
"""`deriving` reads a source and a target, and writes neither; `realms` writes what it says."""
WRITES = {"write", "awrite", "submit", "submit_item", "put", "commit", "delete", "future", "committed", "_settle"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def cities_named(function: Function) -> set[str]:
    """Each city that a function reaches for in a mapping of cities."""
    named = set()
    for one in ast.walk(function):
        if isinstance(one, ast.Subscript) and ast.unparse(one.value).rpartition(".")[2].lstrip("_") == "cities":
            named.add(ast.unparse(one.slice))
        elif (
            isinstance(one, ast.Call)
            and isinstance(one.func, ast.Attribute)
            and one.func.attr == "get"
            and ast.unparse(one.func.value).rpartition(".")[2].lstrip("_") == "cities"
        ):
            named.add(ast.unparse(one.args[0]))
    return named


def walks_over_all(function: Function) -> bool:
    """Whether it has all cities in its hand, one after the other."""
    walked = (one.iter for one in ast.walk(function) if isinstance(one, ast.For | ast.AsyncFor | ast.comprehension))
    return any(re.search(r"cities(\.(items|values|keys)\(\))?\Z", ast.unparse(one)) for one in walked)


def takes_cities(function: Function) -> int:
    given = [*function.args.args, *function.args.kwonlyargs, *function.args.posonlyargs]
    return sum(one.annotation is not None and ast.unparse(one.annotation).strip("'\"") == "City" for one in given)


def written(function: Function) -> bool:
    calls = (one.func for one in ast.walk(function) if isinstance(one, ast.Call))
    names = (
        one.attr if isinstance(one, ast.Attribute) else one.id if isinstance(one, ast.Name) else "" for one in calls
    )
    return bool(WRITES.intersection(names))


def second_doors(folder: Path) -> list[str]:
    """Every function that deals with two realms at once, outside the door."""
    found = []
    for file in sorted(folder.rglob("*.py")):
        where = file.relative_to(folder).as_posix()
        if where in DOOR:
            continue
        for one in ast.walk(ast.parse(file.read_text("utf-8"))):
            if not isinstance(one, Function):
                continue
            named = cities_named(one)
            if len(named) > 1 or takes_cities(one) > 1 or (named and walks_over_all(one) and written(one)):
                found.append(f"{where}:{one.name}")
    return found


def test_no_function_outside_the_door_deals_with_two_realms() -> None:
    assert second_doors(SOURCE) == []


FAULTS = {
    "two that are named": """
async def copy(self):
    for one in self._cities["security"].find("Patrol"):
        await self._cities["open"].awrite(one)
""",
    "two that are kept": """
class Copier:
    def __init__(self, cities):
        self.source, self.target = cities["security"], cities["open"]
""",
    "two that are given": """
def copy(source: City, target: "City") -> None:
    target.put(*source.find("Patrol"))
""",
    "one from among all": """
def copy(cities):
    for city in cities.values():
        cities["open"].put(*city.find("Patrol"))
""",
    "one by a variable": """
def copy(cities, realm):
    cities.get("open").submit(cities[realm].find("Patrol"), print)
""",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_second_door_is_noticed(tmp_path: Path, fault: str) -> None:
    (tmp_path / "platform").mkdir()
    (tmp_path / "platform" / "admin.py").write_text((SOURCE / "platform" / "admin.py").read_text() + FAULTS[fault])
    assert [one.partition(":")[0] for one in second_doors(tmp_path)] == ["platform/admin.py"]


CANARY = "Canary7f3a"


def test_what_a_city_is_told_of_security_is_not_in_the_files_of_the_open_realm(serve, tmp_path: Path) -> None:
    """Through every way in, and with rules, a subscription, a command and dead letters at work."""
    city = serve()
    said = {"type": "Property", "value": CANARY}
    entity = {"id": f"urn:ngsi-ld:Patrol:{CANARY}", "type": "Patrol", "crew": said}
    assert city.post("/ccc/ngsi-ld/v1/entities", entity).status_code == 201
    weather = {"id": f"urn:ngsi-ld:WeatherObserved:{CANARY}", "type": "WeatherObserved",
               "temperature": {"type": "Property", "value": -3.0, "observedAt": "2026-11-22T18:00:00Z"}}  # fmt: skip
    assert city.post("/ccc/ngsi-ld/v1/entities", weather).status_code == 201
    profile = {"name": "radio", "type": CANARY, "channels": {"level": "level"}}
    secret = city.enrol(f"radio-{CANARY}", profile, realm="security")
    basic = base64.b64encode(f"radio-{CANARY}:{secret}".encode()).decode()
    for body in ({"level": 3.5}, {"level": CANARY, "at": "never"}):  # a reading, and a dead letter
        headers = {"authorization": f"Basic {basic}"}
        told = httpx.post(f"{city.url}/collect/radio", json=body, headers=headers, trust_env=False)
        assert told.status_code in {200, 400}, told.text
    subscription = {
        "id": f"urn:ngsi-ld:Subscription:{CANARY}", "type": "Subscription", "entities": [{"type": "Patrol"}],
        "notification": {"endpoint": {"uri": f"http://{CANARY.lower()}.invalid/"}},
    }  # fmt: skip
    assert city.post("/ccc/ngsi-ld/v1/subscriptions", subscription).status_code == 201
    command = {"id": f"urn:ngsi-ld:Command:{CANARY}", "type": "Command",
               "commandDevice": {"type": "Property", "value": f"radio-{CANARY}"},
               "payload": said, "status": {"type": "Property", "value": "pending"}}  # fmt: skip
    assert city.post("/ccc/ngsi-ld/v1/entities", command).status_code == 201
    patch = {"crew": {"type": "Property", "value": f"{CANARY} again"}}
    city.post(f"/ccc/ngsi-ld/v1/entities/{entity['id']}/attrs", patch)
    assert city.get(f"/ccc/ngsi-ld/v1/entities/{entity['id']}").json()["crew"]["value"] == f"{CANARY} again"
    assert city.stop() == 0
    plain = [file for file in city.folder.rglob("open.db*") if file.is_file()]
    assert plain
    for file in plain:
        assert CANARY.encode().lower() not in file.read_bytes().lower(), file.name
    # Were it there, it would be found: what is said in the open realm is.
    city = serve()
    assert city.post("/ngsi-ld/v1/entities", entity).status_code == 201
    city.stop()
    assert any(CANARY.encode() in file.read_bytes() for file in city.folder.rglob("open.db*"))
