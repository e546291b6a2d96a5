import io
import tarfile


def build():
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", format=tarfile.PAX_FORMAT) as archive:
        member = tarfile.TarInfo("app.py")
        member.size = 9
        archive.addfile(member, io.BytesIO(b"print(1)\n"))
        link = tarfile.TarInfo("out")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc"
        archive.addfile(link)
    return "attack.tar.gz", buffer.getvalue()
