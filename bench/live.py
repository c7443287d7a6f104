"""Live = score: the nights of a city that was fed, against those of `hansa score frost` on the same files.

hansa feed DIR --data CITY --exit
python -m bench.live CITY DIR
"""

import sys
from dataclasses import asdict
from pathlib import Path

import orjson

from hansa.apps.frost.entities import record_of
from hansa.apps.frost.skill import Record
from hansa.cli.score import judge_all
from hansa.model.entity import Entity
from hansa.platform.sqlite.schema import connect

Night = tuple[str, str]


def fed(city: Path) -> dict[Night, Record]:
    """The finished nights of a city's file."""
    db = connect(city / "open.db")
    found: dict[Night, Record] = {}
    for (doc,) in db.execute(
        "SELECT doc FROM entity WHERE doc IS NOT NULL AND id LIKE 'urn:ngsi-ld:WeatherForecast:%'"
    ):
        record = record_of(Entity(orjson.loads(doc)))
        if record is not None:
            found[record.station, str(record.evening)] = record
    db.close()
    return found


def main(city: Path, folder: Path) -> int:
    """Print how many nights agree; 1 when one does not."""
    live = fed(city)
    scored = {(one.station, str(one.evening)): one for judged in judge_all(folder) for one in judged.records}
    both = live.keys() & scored.keys()
    same = sum(asdict(live[night]) == asdict(scored[night]) for night in both)
    warned = sum(live[night].hansa_warn != scored[night].hansa_warn for night in both)
    print(f"{len(live):,} nights live, {len(scored):,} scored, {len(both):,} in both")
    print(f"{same:,} identical to the last digit; {warned:,} warned by one and not by the other")
    return 0 if same == len(live) == len(scored) else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
