"""What goes wrong with a hub, said so that an operator can mend it."""


class HubError(Exception):
    """Names the file or the setting, the cause and the mend."""
