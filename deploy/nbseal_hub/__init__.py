"""The course on a JupyterHub: settings, the hub's configuration, the exchange, accounts and backups.

The engine in ``nbseal`` knows nothing of this package.
"""
