import io
import tarfile


def build():
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", format=tarfile.PAX_FORMAT) as archive:
        member = tarfile.TarInfo("app.py")
        member.size = 9
        archive.addfile(member, io.BytesIO(b"print(1)\n"))
        pipe = tarfile.TarInfo("Procfile")
        pipe.type = tarfile.FIFOTYPE
        archive.addfile(pipe)
    return "attack.tar.gz", buffer.getvalue()
