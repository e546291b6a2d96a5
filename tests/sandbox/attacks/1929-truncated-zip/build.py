import io
import zipfile


def build():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("app.py", "print(1)")
    return "attack.zip", buffer.getvalue()[:-10]
