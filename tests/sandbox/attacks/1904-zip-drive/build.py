import io
import zipfile


def build():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("app.py", "print(1)\n")
        archive.writestr("C:evil.py", "x")
    return "attack.zip", buffer.getvalue()
