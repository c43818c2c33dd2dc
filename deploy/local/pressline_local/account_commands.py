"""The commands that look after accounts and API keys of a running stack."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from datetime import timedelta
from typing import Annotated, Any, TypeVar

import typer

from pressline.account.v1 import account_pb2
from pressline_local import control, keys
from pressline_local.errors import LocalError
from pressline_local.folder import DataFolder
from pressline_local.keys import EgressName, KeyForm, PlanName
from pressline_local.terminal import DEFAULT_DATA, Data, sentences
from services.common.scopes import Scope

Account = Annotated[str, typer.Option(help="The account.")]
KeyId = Annotated[str, typer.Argument(help="The key's id, as `pressline keys list` shows it.")]
T = TypeVar("T")


def register(app: typer.Typer) -> None:
    """Add `keys` and `accounts` to a command line."""
    keys_app = typer.Typer(help="API keys of the running stack.", no_args_is_help=True)
    keys_app.command("create")(create_key)
    keys_app.command("list")(list_keys)
    keys_app.command("revoke")(revoke_key)
    keys_app.command("rotate")(rotate_key)
    app.add_typer(keys_app, name="keys")
    accounts_app = typer.Typer(help="Accounts of the running stack.", no_args_is_help=True)
    accounts_app.command("plan")(change_plan)
    accounts_app.command("egress")(change_egress)
    app.add_typer(accounts_app, name="accounts")


def create_key(
    account: Annotated[str, typer.Option(help="The account; made if it is new.")],
    plan: Annotated[PlanName, typer.Option(help="The account's plan from now on.")],
    *,
    name: Annotated[str, typer.Option(help="What to call the key.")] = "",
    form: Annotated[KeyForm, typer.Option(help="How the key begins; all forms open all APIs.")] = KeyForm.PK_LIVE,
    scope: Annotated[
        list[Scope] | None, typer.Option(help="What the key may be used for; may be repeated; everything by default.")
    ] = None,
    data: Data = DEFAULT_DATA,
) -> None:
    """Print a new API key, and nothing else."""
    folder = DataFolder(data)
    typer.echo(_asked(folder, keys.create(folder, account, plan, name=name, form=form, scopes=scope or ())))


def list_keys(
    account: Account,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    data: Data = DEFAULT_DATA,
) -> None:
    """Show an account's keys, newest first, without what opens the account."""
    folder = DataFolder(data)
    shown = [_shown(key) for key in _asked(folder, keys.listed(folder, account))]
    if as_json:
        typer.echo(json.dumps({"keys": shown}))
        return
    for key in shown:
        ends = f"ends {key['expires_at']}" if key["expires_at"] else ""
        used = key["last_used_at"] or "never"
        scopes = ",".join(key["scopes"])
        typer.echo(f"{key['id']}  {key['prefix']}…  {scopes:<18}  used {used:<24}  {key['name']}  {ends}".rstrip())


def revoke_key(key_id: KeyId, account: Account, data: Data = DEFAULT_DATA) -> None:
    """End a key at once."""
    folder = DataFolder(data)
    _asked(folder, keys.revoke(folder, account, key_id))


def rotate_key(
    key_id: KeyId,
    account: Account,
    grace_hours: Annotated[float, typer.Option(min=0, max=720, help="For how long the key before still works.")] = 24,
    data: Data = DEFAULT_DATA,
) -> None:
    """Print a key that takes another one's place, and nothing else."""
    folder = DataFolder(data)
    typer.echo(_asked(folder, keys.rotate(folder, account, key_id, timedelta(hours=grace_hours))))


def change_plan(
    account: Account,
    plan: Annotated[PlanName, typer.Option(help="The account's plan from now on.")],
    data: Data = DEFAULT_DATA,
) -> None:
    """Put an account on another plan."""
    folder = DataFolder(data)
    _asked(folder, keys.set_plan(folder, account, plan))


def change_egress(
    account: Account,
    mode: Annotated[EgressName, typer.Option(help="All that the installation lets documents load, or less.")],
    host: Annotated[
        list[str] | None,
        typer.Option(help="With `allowlist`, a host or *.name; may be repeated. These are all: others are dropped."),
    ] = None,
    data: Data = DEFAULT_DATA,
) -> None:
    """Say what an account's documents may load from elsewhere, in batches submitted from then on."""
    folder = DataFolder(data)
    _asked(folder, keys.set_egress(folder, account, mode, host or ()))


def _asked(folder: DataFolder, call: Coroutine[Any, Any, T]) -> T:
    with sentences():
        if control.running(folder) is None:
            call.close()
            raise LocalError(f"Nothing runs in {folder.path}; start it with `pressline up`.")
        return asyncio.run(call)


def _shown(key: account_pb2.Key) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "prefix": key.prefix,
        "scopes": [account_pb2.Scope.Name(scope).removeprefix("SCOPE_").lower() for scope in key.scopes],
        "created_at": key.create_time.ToJsonString(),
        "last_used_at": key.last_use_time.ToJsonString() if key.HasField("last_use_time") else None,
        "expires_at": key.expire_time.ToJsonString() if key.HasField("expire_time") else None,
    }
