import io
import zipfile


def build():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("app.py", "print(1)\n")
        archive.writestr("caf\u00e9.py", "1")
        archive.writestr("cafe\u0301.py", "2")
    return "attack.zip", buffer.getvalue()
