import io
import zipfile


def build():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("safe.pyX.sh", "1")
    return "attack.zip", buffer.getvalue().replace(b"safe.pyX.sh", b"safe.py\0.sh")
