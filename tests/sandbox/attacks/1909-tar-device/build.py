import io
import tarfile


def build():
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", format=tarfile.PAX_FORMAT) as archive:
        member = tarfile.TarInfo("app.py")
        member.size = 9
        archive.addfile(member, io.BytesIO(b"print(1)\n"))
        device = tarfile.TarInfo("mem")
        device.type, device.devmajor, device.devminor = tarfile.CHRTYPE, 1, 1
        archive.addfile(device)
    return "attack.tar.gz", buffer.getvalue()
