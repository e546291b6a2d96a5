import io
import stat
import zipfile


def build():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("app.py", "print(1)\n")
        disk = zipfile.ZipInfo("disk")
        disk.external_attr = (stat.S_IFBLK | 0o666) << 16
        archive.writestr(disk, "")
    return "attack.zip", buffer.getvalue()
