import io
import tarfile


def build():
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", format=tarfile.PAX_FORMAT) as archive:
        member = tarfile.TarInfo("app.py")
        member.size = 9
        archive.addfile(member, io.BytesIO(b"print(1)\n"))
        for name, mode in (("bin/su", 0o6755), ("bin/x", 0o7777)):
            member = tarfile.TarInfo(name)
            member.mode, member.uid, member.gid, member.mtime = mode, 0, 0, 4102444800
            member.uname = member.gname = "root"
            archive.addfile(member, io.BytesIO(b""))
    return "attack.tar.gz", buffer.getvalue()
