import io
import tarfile
import zipfile


def build():
    first, second = io.BytesIO(), io.BytesIO()
    with tarfile.open(fileobj=first, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("one.py"))
    with zipfile.ZipFile(second, "w") as archive:
        archive.writestr("other.py", "1")
    return "attack.tar", first.getvalue() + second.getvalue()
