import io
import zipfile


def build():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("app.py", "print(1)\n")
        for number in range(30_000):
            archive.writestr(f"d/{number}", "")
    return "attack.zip", buffer.getvalue()
