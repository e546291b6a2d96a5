import io
import zipfile


def build():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("app.py", "print(1)\n")
        for number in range(10):
            archive.writestr(f"zeros-{number}", bytes(20 << 20))
    return "attack.zip", buffer.getvalue()
