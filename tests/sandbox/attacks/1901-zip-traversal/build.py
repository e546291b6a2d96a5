import io
import zipfile


def build():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("app.py", "print(1)\n")
        archive.writestr("lib/../../../etc/cron.d/evil", "x")
    return "attack.zip", buffer.getvalue()
