"""PNG pictures without what differs between machines: texts, such as the drawing program's version, and times."""

import base64
import binascii

SIGNATURE = b"\x89PNG\r\n\x1a\n"
DROPPED = frozenset({b"tEXt", b"zTXt", b"iTXt", b"tIME"})


def without_metadata(picture: str) -> str:
    """Return a base64 PNG without its text and time chunks (W3C PNG, section 11.3); other data as it is."""
    try:
        data = base64.b64decode("".join(picture.split()), validate=True)
    except binascii.Error:
        return picture
    if not data.startswith(SIGNATURE):
        return picture
    kept, at = [SIGNATURE], len(SIGNATURE)
    while at + 12 <= len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        if data[at + 4 : at + 8] not in DROPPED:
            kept.append(data[at:end])
        at = end
    return base64.b64encode(b"".join(kept)).decode()
