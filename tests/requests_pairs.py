"""Labelled pairs of reports: a made-up town in which several people report one thing, each in his own way.

Things (lamps every 28 m, holes, bins, trees ...) break at places of which some are livelier than others. Each is
reported by one or more people: with a telephone's error or a finger's on a map, hours or days later, in other words,
with typing errors, in another language, under a neighbouring service, with or without the number on the pole. Two
reports of one thing are the same; two of neighbouring things are not, and are the hard ones.

Who fits (`fit`) uses other towns than who judges: `TRAINING` and `HELD_OUT` are seeds.
"""

import math
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from hansa.apps.requests import likeness
from hansa.apps.requests.places import metres
from hansa.apps.requests.services import _shipped
from hansa.apps.requests.times import DAY

TRAINING = (1, 2, 3)
HELD_OUT = (101, 102, 103)
SIDE_M = 2_500.0
THINGS = 330
LON, LAT = 16.0, 48.0
_M_LAT = 111_195.0
_M_LON = _M_LAT * math.cos(math.radians(LAT))

WORDS: dict[str, dict[str, list[str]]] = {
    "street-light": {
        "en": [
            "The lamp is dark",
            "street light not working for days",
            "Lantern out, pavement completely dark at night",
            "light broken in front of the house",
            "no light at all here",
            "the street lamp flickers all night long",
            "Lamp post is damaged, glass is missing",
        ],
        "fr": [
            "Le lampadaire est éteint",
            "plus de lumière dans la rue",
            "lampadaire en panne depuis trois jours",
        ],
        "es": [
            "La farola está apagada",
            "no hay luz en la calle",
            "farola rota delante de casa",
        ],
    },
    "pothole": {
        "en": [
            "Deep hole in the road",
            "big pothole in the right lane",
            "the asphalt has broken away, dangerous for bicycles",
            "My tyre burst in this hole",
            "road surface damaged after winter",
            "another crater in the street",
        ],
        "fr": [
            "Gros trou dans la chaussée",
            "nid-de-poule dangereux pour les vélos",
        ],
        "es": [
            "Bache muy grande en la calzada",
            "agujero en el asfalto",
        ],
    },
    "pavement": {
        "en": [
            "Paving stone is loose, I stumbled",
            "pavement broken, wheelchair cannot pass",
            "kerb raised by roots",
        ],
        "fr": [
            "Dalle du trottoir descellée",
        ],
        "es": [
            "Baldosa suelta en la acera",
        ],
    },
    "bin-full": {
        "en": [
            "Bin overflows",
            "the waste container is full, rubbish lies all around",
            "Rubbish everywhere beside the bin",
            "nobody has emptied the bin since last week",
        ],
        "fr": [
            "La poubelle déborde",
            "conteneur plein, ordures par terre",
        ],
        "es": [
            "La papelera rebosa",
            "contenedor lleno, basura en el suelo",
        ],
    },
    "dumping": {
        "en": [
            "Somebody left a sofa here",
            "old fridge and mattress dumped at the corner",
            "building rubble beside the path",
            "rubbish bags dumped next to the containers",
            "furniture on the pavement",
        ],
        "fr": [
            "Un canapé abandonné",
            "dépôt sauvage de gravats",
        ],
        "es": [
            "Han dejado un sofá",
            "escombros junto al camino",
        ],
    },
    "street-cleaning": {
        "en": [
            "Broken glass all over the path",
            "the square is very dirty",
            "leaves and litter, please sweep",
        ],
        "fr": [
            "Verre brisé sur le chemin",
        ],
        "es": [
            "Cristales rotos en el camino",
        ],
    },
    "graffiti": {
        "en": [
            "Graffiti on the school wall",
            "spray paint on the underpass",
            "someone has sprayed ugly tags on the wall",
            "posters glued on the bus shelter",
        ],
        "fr": [
            "Tags sur le mur de l'école",
        ],
        "es": [
            "Pintadas en la pared del colegio",
        ],
    },
    "water-leak": {
        "en": [
            "Water comes out of the ground",
            "burst pipe, street is flooded",
            "hydrant leaking heavily",
            "there is water running down the road since this morning",
        ],
        "fr": [
            "Fuite d'eau sur la route",
            "l'eau jaillit du sol",
        ],
        "es": [
            "Sale agua del suelo",
            "tubería rota, la calle inundada",
        ],
    },
    "drain": {
        "en": [
            "Gully blocked, big puddle",
            "drain overflows when it rains",
            "sewer smells terrible",
        ],
        "fr": [
            "Bouche d'égout bouchée",
        ],
        "es": [
            "Alcantarilla atascada",
        ],
    },
    "tree": {
        "en": [
            "Tree fell on the path",
            "big branch broken after the storm, hangs over the road",
            "fallen tree blocks the way",
            "this tree looks dead and could fall",
        ],
        "fr": [
            "Arbre tombé sur le chemin",
            "branche cassée après la tempête",
        ],
        "es": [
            "Árbol caído en el camino",
            "rama rota tras la tormenta",
        ],
    },
}
CONFUSED = {
    "pothole": "pavement", "pavement": "pothole", "bin-full": "dumping", "dumping": "bin-full",
    "street-cleaning": "dumping", "water-leak": "drain", "drain": "water-leak", "tree": "park",
    "graffiti": "street-cleaning", "street-light": "traffic-light",
}  # fmt: skip
STREETS = ["Mill Lane", "Station Road", "Church Street", "Bridge Street", "Garden Way", "School Lane", "Market Square"]
EXTRAS = [
    "Please hurry!",
    "Thank you",
    "It has been so for a week.",
    "My children walk here every day.",
    "Again!",
    "near the bus stop",
]


@dataclass(frozen=True)
class Said:
    """One report: of which thing, and all that is compared."""

    thing: int
    compared: dict[str, Any]


def town(seed: int) -> list[Said]:
    """All reports of a made-up town in sixty days."""
    chance = random.Random(seed)
    lively = [(chance.uniform(0, SIDE_M), chance.uniform(0, SIDE_M)) for _ in range(12)]
    said = []
    for thing in range(THINGS):
        service = chance.choices(list(WORDS), [6, 4, 2, 4, 4, 2, 3, 1, 2, 3])[0]
        if chance.random() < 0.55:
            x, y = (chance.gauss(one, 90) for one in chance.choice(lively))
        else:
            x, y = chance.uniform(0, SIDE_M), chance.uniform(0, SIDE_M)
        if service == "street-light":  # they stand along the streets, every 28 m
            x, y = round(x / 28) * 28.0, round(y / 140) * 140.0
        since = chance.uniform(0, 45) * DAY
        said += _reports(chance, thing, service, x, y, since)
    return said


def _reports(chance: random.Random, thing: int, service: str, x: float, y: float, since: float) -> Iterator[Said]:
    pole, fault = f"{chance.randrange(1000, 9999)}", chance.choice(["out", "flickers", "damaged"])
    street = chance.choice(STREETS)
    about = chance.choice(["", "", chance.choice(EXTRAS)])
    many = 1 + min(8, int(chance.expovariate(0.9)))
    for _ in range(many):
        far = chance.choices([8, 25, 70], [70, 22, 8])[0]
        at = since + chance.expovariate(1 / 3.0) * DAY
        tongue = chance.choices(["en", "fr", "es"], [80, 10, 10])[0]
        named = CONFUSED[service] if chance.random() < 0.12 else service
        text = "" if chance.random() < 0.15 else _text(chance, service, tongue, street, about)
        answers: dict[str, Any] = {}
        if named == "street-light":
            answers["fault"] = fault if chance.random() < 0.85 else "out"
            if chance.random() < 0.25:
                answers["pole"] = pole
        place = (LON + (x + chance.gauss(0, far)) / _M_LON, LAT + (y + chance.gauss(0, far)) / _M_LAT)
        yield Said(
            thing,
            {
                "point": place,
                "service": named,
                "at": at,
                "text": likeness.grams(text),
                "language": tongue,
                "answers": answers,
            },
        )


def _text(chance: random.Random, service: str, tongue: str, street: str, about: str) -> str:
    made = chance.choice(WORDS[service][tongue])
    if chance.random() < 0.4:
        made += f" ({street}{chance.choice(['', f' {chance.randrange(1, 60)}'])})"
    if about and chance.random() < 0.5:
        made += f" {about}"
    if chance.random() < 0.3:  # a typing error
        at = chance.randrange(len(made))
        made = made[:at] + chance.choice("aeinrst ") + made[at + chance.randrange(2) :]
    return made.lower() if chance.random() < 0.3 else made


def pairs(seeds: Sequence[int]) -> Iterator[tuple[Said, Said, bool]]:
    """Every pair that the finder or the baseline could take for one, and every true one, with whether it is."""
    for seed in seeds:
        said = sorted(town(seed), key=lambda one: float(one.compared["at"]))
        for n, one in enumerate(said):
            for other in said[n + 1 :]:
                if other.compared["at"] - one.compared["at"] > likeness.DAYS * DAY:
                    break
                same = one.thing == other.thing
                a, b = one.compared["point"], other.compared["point"]
                if same or (abs(a[1] - b[1]) * _M_LAT <= likeness.RADIUS_M and metres(a, b) <= likeness.RADIUS_M):
                    yield one, other, same


def found(one: Said, other: Said) -> float:
    """The finder's score; 0 beyond its radius."""
    a, b = one.compared, other.compared
    if metres(a["point"], b["point"]) > likeness.RADIUS_M:
        return 0.0
    return likeness.compared(a, b, _shipped())[0]


def baseline(one: Said, other: Said) -> bool:
    """The same service within 50 m."""
    a, b = one.compared, other.compared
    return bool(a["service"] == b["service"]) and metres(a["point"], b["point"]) <= 50.0


def judged(seeds: Sequence[int], least: float = likeness.LIKELY) -> dict[str, tuple[float, float, float]]:
    """Precision, recall and F1 of the finder and of the baseline on the pairs of some towns."""
    counts = {"finder": [0, 0, 0], "baseline": [0, 0, 0]}
    for one, other, same in pairs(seeds):
        for name, says in (("finder", found(one, other) >= least), ("baseline", baseline(one, other))):
            counts[name][0 if says and same else 1 if says else 2] += says or same
    told = {}
    for name, (right, wrong, missed) in counts.items():
        precision, recall = right / (right + wrong), right / (right + missed)
        told[name] = precision, recall, 2 * precision * recall / (precision + recall)
    return told


def fit(seeds: Sequence[int] = TRAINING, rounds: int = 60) -> dict[str, float]:
    """Weights for `likeness.WEIGHTS`: logistic regression by Newton's method, lightly held back (ridge 1)."""
    import numpy as np

    groups = {code: one.group for code, one in _shipped().services.items()}
    rows, truth = [], []
    for one, other, same in pairs(seeds):
        a, b = one.compared, other.compared
        if metres(a["point"], b["point"]) <= likeness.RADIUS_M:
            alike = groups[a["service"]] == groups[b["service"]]
            rows.append(list(likeness.features(a, b, alike).values()))
            truth.append(float(same))
    x, y = np.array(rows), np.array(truth)
    weights = np.zeros(x.shape[1])
    for _ in range(rounds):
        guess = 1 / (1 + np.exp(-np.clip(x @ weights, -30, 30)))
        slope = x.T @ (guess - y) + weights
        curve = (x * (guess * (1 - guess))[:, None]).T @ x + np.eye(x.shape[1])
        weights = weights - np.linalg.solve(curve, slope)
    return dict(zip(likeness.WEIGHTS, (round(float(one), 2) for one in weights), strict=True))


def told() -> str:
    """Weights, and how well they and the baseline do: for likeness.py, its README and the page."""
    lines = [str(fit())]
    for which, seeds in (("training", TRAINING), ("held out", HELD_OUT)):
        for name, (precision, recall, f1) in judged(seeds).items():
            lines.append(f"{which:9} {name:9} precision {precision:.3f}  recall {recall:.3f}  F1 {f1:.3f}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(told() + "\n")
