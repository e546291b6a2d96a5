import gzip


def build():
    return "attack.zip", gzip.compress(b"not a zip at all")
