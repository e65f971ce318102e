"""Write a header that isn't true."""

import json


def make(folder):
    data = (folder / "cnn.safetensors").read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    header["conv1.bias"]["data_offsets"] = header["output.bias"]["data_offsets"]
    text = json.dumps(header).encode()
    (folder / "cnn.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + data[8 + length :])
