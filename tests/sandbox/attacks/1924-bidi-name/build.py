import io
import zipfile


def build():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("app.py", "print(1)\n")
        archive.writestr("photo_\u202egnp.py", "1")
    return "attack.zip", buffer.getvalue()
