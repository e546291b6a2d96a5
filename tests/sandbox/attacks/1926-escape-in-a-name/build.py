import io
import zipfile


def build():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("app.py", "print(1)\n")
        archive.writestr("\x1b[2Japp.py", "1")
    return "attack.zip", buffer.getvalue()
