"""`hansa service ...` and `hansa token ...`: programs with an account of their own, and what they show at the door."""

import json
import os
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from hansa.cli import data_option
from hansa.cli.desk import ask
from hansa.errors import BadRequest
from hansa.trust.tokens import GROUPS, SERVICE_ROLES, VERBS

_SCOPE = f"What it is for: one of {', '.join((*VERBS, *GROUPS))}, perhaps :Type. Can be repeated."


def _reason(command: Any) -> Any:
    return click.option("--reason", default="", help="Why: it is proposed, and two administrators approve it.")(command)


def _done(data: Path, path: list[str], said: dict[str, Any], more: dict[str, Any], reason: str) -> Any:
    """What the city answers; None where it is proposed, for two administrators to decide."""
    if not reason:
        return ask(data, "POST", path, said)
    made = ask(data, "POST", ["proposals"], {"kind": "service", "what": {**said, **more}, "reason": reason})
    click.echo(f"proposed {made['id']}\n\nIt is so when two administrators have approved it, on /approvals.")
    return None


@click.group()
def service() -> None:
    """Programs that sign for who they are."""


@service.command("add")
@click.argument("name")
@click.option("--role", "roles", multiple=True, type=click.Choice(SERVICE_ROLES), help="What it is. Can be repeated.")
@click.option("--department", "departments", multiple=True, help="Whose information it works with. Can be repeated.")
@click.option("--scope", multiple=True, help=_SCOPE)
@click.option("--key", "file", type=click.Path(path_type=Path), help="Its public key: a file with a JWK, or PEM.")
@click.option(
    "--make-key", "made", type=click.Path(path_type=Path), help="Make a key pair; the private half goes here."
)
@click.option("--note", default="", help="What it is good for, and who looks after it.")
@_reason
@data_option
def add_service(
    name: str, roles: tuple[str, ...], departments: tuple[str, ...], scope: tuple[str, ...], file: Path | None,
    made: Path | None, note: str, reason: str, data: Path,
) -> None:  # fmt: skip
    """Know a service by its public key."""
    if file is not None and made is not None:
        raise BadRequest("--key and --make-key are two ways to one thing", mend="say one of them")
    keys = [_public(file)] if file is not None else [_make(made)] if made is not None else []
    said = {"name": name, "roles": list(roles), "departments": list(departments), "keys": keys, "note": note}
    try:
        told = _done(data, ["services"], {**said, "scope": list(scope) or None}, {}, reason)
    except BaseException:
        if made is not None:  # nobody knows that key
            made.unlink()
        raise
    if told is not None:
        click.echo(f"service  {told['name']}")
        for key in told["keys"]:
            click.echo(f"key      {key['kid']}")
    if made is not None:
        click.echo(f"private  {made}\n\nWhoever has that file is {name}: keep it where only {name} can read it.")


@service.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@data_option
def list_services(as_json: bool, data: Path) -> None:
    """Every service, its keys, and which are shut out."""
    found = ask(data, "GET", ["services"])
    if as_json:
        click.echo(json.dumps(found))
        return
    table = Table("service", "roles", "departments", "scope", "keys", "state", "note")
    for one in found:
        lists = (", ".join(one[name] or ()) for name in ("roles", "departments", "scope"))
        keys = "\n".join(key["kid"] for key in one["keys"]) or "none"
        table.add_row(one["name"], *lists, keys, "shut out" if one["revokedAt"] else "active", one["note"])
    Console().print(table)


@service.command("revoke")
@click.argument("name")
@data_option
def revoke_service(name: str, data: Path) -> None:
    """Shut a service out for good: its keys and tokens end at once, its name stays taken."""
    click.echo(f"{ask(data, 'POST', ['services', name, 'revoke'])['name']} is shut out")


@service.command("key")
@click.argument("name")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--alone", is_flag=True, help="Its other keys end.")
@click.option("--remove", metavar="KID", help="End this key.")
@_reason
@data_option
def key_of_service(name: str, file: Path | None, alone: bool, remove: str | None, reason: str, data: Path) -> None:
    """Give a service one public key more (a FILE with a JWK, or PEM), or take one away."""
    if (file is None) == (remove is None):
        raise BadRequest("a file with the new key, or --remove with the name of an old one")
    if file is not None:
        said = {"key": _public(file), "alone": alone}
        told = _done(data, ["services", name, "keys"], said, {"service": name}, reason)
    else:
        told = ask(data, "DELETE", ["services", name, "keys", remove or ""])
    for key in told["keys"] if told is not None else ():
        click.echo(f"key      {key['kid']}")


@click.group()
def token() -> None:
    """API tokens: with a scope, and an end."""


@token.command("add")
@click.argument("service")
@click.option("--scope", multiple=True, required=True, help=_SCOPE)
@click.option("--days", type=float, required=True, help="How long it lives; 366 at most.")
@click.option("--role", "roles", multiple=True, help="Of the service's roles only this. Can be repeated.")
@click.option("--note", default="", help="Where it is used.")
@data_option
def add_token(service: str, scope: tuple[str, ...], days: float, roles: tuple[str, ...], note: str, data: Path) -> None:
    """Make a token for a service; prints it, once."""
    said = {"owner": f"service:{service}", "scope": list(scope), "days": days, "note": note}
    told = ask(data, "POST", ["tokens"], said | ({"roles": list(roles)} if roles else {}))
    click.echo(f"id       {told['id']}\nends     {told['until']}\ntoken    {told['token']}")
    click.echo("\nIt is said once: the city keeps only its hash. Use it as\n  Authorization: Bearer <token>")


@token.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@data_option
def list_tokens(as_json: bool, data: Path) -> None:
    """Every token that somebody made and that has not ended."""
    found = ask(data, "GET", ["tokens"])
    if as_json:
        click.echo(json.dumps(found))
        return
    table = Table("id", "owner", "scope", "ends", "last used", "note")
    for one in found:
        used = one["lastUsed"] or "never"
        table.add_row(one["id"], one["owner"], ", ".join(one["scope"]), one["until"], used, one["note"])
    Console().print(table)


@token.command("revoke")
@click.argument("ident", metavar="ID")
@data_option
def revoke_token(ident: str, data: Path) -> None:
    """End a token at once."""
    ask(data, "DELETE", ["tokens", ident])
    click.echo("gone")


def _public(file: Path) -> dict[str, Any]:
    """The public key in a file, as a JWK."""
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key
    from joserfc.jwk import ECKey, OKPKey, RSAKey

    try:
        raw = file.read_bytes()
    except OSError as fault:
        raise BadRequest(f"{file} cannot be read: {fault.strerror}", where="--key") from None
    if b"PRIVATE KEY" in raw:
        raise BadRequest(f"{file} holds a private key", where="--key", mend="openssl pkey -pubout makes the public one")
    if b"BEGIN" not in raw:
        try:
            found = json.loads(raw)
        except ValueError:
            raise BadRequest(f"{file} is neither a JWK nor PEM", where="--key") from None
        if not isinstance(found, dict):
            raise BadRequest(f"{file} is no JWK", where="--key")
        return found  # the city reads it strictly
    try:
        key = load_pem_public_key(raw)
    except (ValueError, TypeError) as fault:
        raise BadRequest(f"{file} is no PEM of a public key: {fault}"[:200], where="--key") from None
    if isinstance(key, RSAPublicKey):
        return dict(RSAKey.import_key(key).as_dict())
    if isinstance(key, EllipticCurvePublicKey):
        return dict(ECKey.import_key(key).as_dict())
    if isinstance(key, Ed25519PublicKey):
        return dict(OKPKey.import_key(key).as_dict())
    raise BadRequest(f"{file} holds a key of another kind", where="--key", mend="Ed25519, P-256 or RSA")


def _make(file: Path) -> dict[str, Any]:
    """A new key pair: the private half into a file for its owner's eyes alone, the public one handed back."""
    from joserfc.jwk import OKPKey

    key = OKPKey.generate_key("Ed25519", auto_kid=True)
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as fault:
        raise BadRequest(f"{file} cannot be made: {fault.strerror}", where="--make-key") from None
    with os.fdopen(handle, "w") as out:
        out.write(json.dumps({**key.as_dict(private=True), "alg": "EdDSA", "use": "sig"}) + "\n")
    return dict(key.as_dict(private=False))


commands = {"service": service, "token": token}
