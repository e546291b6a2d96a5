import io
import tarfile


def build():
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", format=tarfile.PAX_FORMAT) as archive:
        member = tarfile.TarInfo("app.py")
        member.size = 9
        archive.addfile(member, io.BytesIO(b"print(1)\n"))
        member = tarfile.TarInfo("harmless.py")
        member.pax_headers = {"path": "../../evil.py"}
        archive.addfile(member, io.BytesIO(b""))
    return "attack.tar.gz", buffer.getvalue()
