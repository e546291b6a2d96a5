import io
import tarfile


def build():
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", format=tarfile.PAX_FORMAT) as archive:
        member = tarfile.TarInfo("app.py")
        member.size = 9
        archive.addfile(member, io.BytesIO(b"print(1)\n"))
        for number in range(8):
            member = tarfile.TarInfo(f"zeros-{number}")
            member.size = 20 << 20
            archive.addfile(member, io.BytesIO(bytes(20 << 20)))
    return "attack.tar.gz", buffer.getvalue()
