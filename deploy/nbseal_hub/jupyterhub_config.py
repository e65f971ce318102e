"""JupyterHub's configuration file: the settings file that NBSEAL_HUB_SETTINGS names, and nothing else."""

import os
from pathlib import Path

from nbseal_hub.configure import apply_config
from nbseal_hub.proxy import proxy_command
from nbseal_hub.settings import load_secrets, load_settings

settings = load_settings(Path(os.environ["NBSEAL_HUB_SETTINGS"]))
apply_config(
    settings,
    get_config(),  # type: ignore[name-defined]  # noqa: F821
    secrets=load_secrets(settings),
    proxy=proxy_command(),
    root=os.getuid() == 0,
)
