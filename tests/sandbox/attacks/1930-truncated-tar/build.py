import gzip
import io
import os
import tarfile


def build():
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo("app.py")
        member.size = 100_000
        archive.addfile(member, io.BytesIO(os.urandom(100_000)))
    return "attack.tar.gz", gzip.compress(buffer.getvalue())[:50_000]
