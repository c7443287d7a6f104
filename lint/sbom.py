"""Writes what hansa is made of, as CycloneDX 1.6 JSON: packages, vendored files, hashes, licences, who needs whom.

    python -m lint.sbom BOM SITE EPOCH FILE ...

Runs in the tools' own environment; SITE is where hansa's packages are installed, EPOCH the time of the release, FILE
what is released. The same input gives the same bytes: the serial number is made of the content. The bill is held
against the schema before it is written. The hashes of a package are those that its lock accepts: one a published file.
"""

import json
import sys
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense, LicenseExpression
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from lint.release import digest
from lint.shipped import Package, canonical, hansa, packages, vendored

_OURS: Final = uuid.UUID("6f1c4f0e-3a54-5d0c-9d39-0b9a3a3d7c55")  # the space of hansa's own serial numbers


class Invalid(Exception):
    """The bill is not what the schema of CycloneDX 1.6 wants: what is wrong."""


def main(words: Sequence[str]) -> int:
    """Write the bill."""
    to, site, when, *released = words
    made = bill([*packages(Path(site)), *vendored()], [Path(one) for one in released], int(when))
    Path(to).write_text(made, "utf-8")
    return 0


def bill(shipped: Sequence[Package], released: Sequence[Path], when: int) -> str:
    """The bill as JSON. Raises Invalid."""
    about = hansa()
    files = [_hash(digest(path), path.name) for path in released]
    itself = Component(
        type=ComponentType.APPLICATION,
        name=about["name"],
        version=about["version"],
        bom_ref="hansa",
        description=about["description"],
        purl=PackageURL("pypi", name=about["name"], version=about["version"]),
        licenses=[DisjunctiveLicense(id=about["license"])],
        external_references=files,
    )
    refs = {one.name: _component(one) for one in shipped}
    bom = Bom(components=refs.values())
    bom.metadata.component = itself
    bom.metadata.timestamp = datetime.fromtimestamp(when, UTC)
    bom.metadata.tools.components.clear()
    direct = {
        canonical(line.split("[")[0].split(">")[0].split("=")[0].split(";")[0].strip())
        for line in about["dependencies"]
    }
    asked = [one.name for one in shipped if one.name in direct or one.kind == "npm"]
    bom.register_dependency(itself, [refs[name] for name in asked])
    for one in shipped:
        bom.register_dependency(refs[one.name], [refs[name] for name in one.needs])
    bom.serial_number = uuid.uuid5(_OURS, json.dumps([repr(one) for one in shipped] + [repr(one) for one in files]))
    text: str = make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(indent=1)
    validate(text)
    return text + "\n"


def validate(text: str) -> None:
    """Hold a bill against the schema of CycloneDX 1.6 as the library brings it."""
    fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if fault is not None:
        raise Invalid(str(fault))


def _component(one: Package) -> Component:
    name = {"namespace": None, "name": one.name}
    purl = PackageURL(one.kind, version=one.version, **name)
    inside = [
        Component(type=ComponentType.FILE, name=path, bom_ref=f"file:{path}", hashes=[_sha256(found)])
        for path, found in one.files
    ]
    return Component(
        type=ComponentType.LIBRARY,
        name=one.name,
        version=one.version,
        bom_ref=str(purl),
        purl=purl,
        hashes=[_sha256(found) for found in one.hashes],
        licenses=[_licence(one.licence)],
        components=inside,
        properties=[Property(name="hansa:vendored", value="yes")] if one.files else [],
    )


def _licence(expression: str) -> Any:
    single = " " not in expression
    return DisjunctiveLicense(id=expression) if single else LicenseExpression(expression)


def _hash(found: str, name: str) -> ExternalReference:
    return ExternalReference(type=ExternalReferenceType.DISTRIBUTION, url=XsUri(name), hashes=[_sha256(found)])


def _sha256(found: str) -> HashType:
    return HashType(alg=HashAlgorithm.SHA_256, content=found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
