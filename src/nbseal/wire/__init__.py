"""Strict plain-data codec and framing between the trusted side and the sealed process."""

from nbseal.wire.channel import Channel, EndOfStream, Late, TooLarge
from nbseal.wire.codec import Opaque, Reference, parse_json
from nbseal.wire.npy import pack_npy, parse_npy

__all__ = ["Channel", "EndOfStream", "Late", "Opaque", "Reference", "TooLarge", "pack_npy", "parse_json", "parse_npy"]
