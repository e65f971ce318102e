"""Strict plain-data codec and framing between the trusted side and the sealed process."""

from nbseal.wire.channel import Channel, EndOfStream, Late, TooLarge, check_time
from nbseal.wire.codec import Opaque, Reference, parse_json

__all__ = ["Channel", "EndOfStream", "Late", "Opaque", "Reference", "TooLarge", "check_time", "parse_json"]
