"""Write a header that would overflow a parser's stack."""


def make(folder):
    text = b"[" * 9_000
    (folder / "cnn.safetensors").write_bytes(len(text).to_bytes(8, "little") + text)
