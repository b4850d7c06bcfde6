"""`casare secrets`: the secrets that all instances on one database share."""

import secrets

from casare_rpa.cli.json_flag import CommandGroup
from casare_rpa.cli.output import console, emit
from casare_rpa.domain.instance_facts import SECRET_NAMES

app = CommandGroup(help="The secrets that all instances share.", no_args_is_help=True)

SECRET_BYTES = 32


@app.callback()
def group() -> None:
    """Keep `new` a command of its own: a group with one command would be that command."""


@app.command()
def new() -> None:
    """Print new secrets as lines of an environment file. Nothing is stored, and each call prints others.

    All instances on one database need the same lines. Keep the file readable by its owner only.
    """
    made = {f"CASARE_{name.upper()}": secrets.token_urlsafe(SECRET_BYTES) for name in SECRET_NAMES}
    emit(made)
    for name, secret in made.items():
        console.print(f"{name}={secret}")
