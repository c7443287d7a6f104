"""What of a city's folder goes into a backup."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from hansa.errors import BadRequest
from hansa.platform.backup import Source
from hansa.platform.sqlite.schema import VERSION
from hansa.serve.folder import PLAIN, REALMS
from hansa.serve.keys import Keys, sealed_files

VERSIONS: Final[Mapping[str, int]] = {f"{realm}.db": VERSION for realm in REALMS}
"""The newest schema that is known of a database."""
FILES: Final = (
    *("hansa.toml", "audit.key", "audit.pub", "tls/*", "derivations/*"),
    *("demo.json", "demo.past", "demo-secrets.json", "feed.json", "feed-secrets.json"),
)
"""Files that are no databases; some hold secrets, and all are sealed in a backup. Not there: the administrator's token,
which every folder makes for itself, and the city's key."""


def source_of(data: Path, keys: Keys) -> Source:
    """The files of the city in `data`. The audit logs come last: what they tell of is then in the other parts."""
    plain = [data / f"{kind}{realm}.db" for kind in ("", "pictures-", "media-") for realm in REALMS if realm in PLAIN]
    others = sorted(sealed_files(data), key=lambda path: (path.name.startswith("audit"), path.name))
    databases = {path: None for path in plain if path.exists()} | {path: keys.of(path) for path in others}
    files = {
        file.relative_to(data).as_posix(): file
        for pattern in FILES
        for file in sorted(data.glob(pattern))
        if file.is_file()
    }
    if keys.file is not None and keys.file.resolve() in {file.resolve() for file in files.values()}:
        raise BadRequest(f"the key would be in the backup: {keys.file}", mend="give its file another name")
    return Source(databases, files)
