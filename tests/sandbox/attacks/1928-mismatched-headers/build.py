import io
import zipfile


def build():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("harmless.py", "1")
    data = buffer.getvalue()
    return "attack.zip", data.replace(b"harmless.py", b"evilname.py", 1)
