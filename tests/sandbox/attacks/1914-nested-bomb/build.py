import io
import zipfile


def build():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("app.py", "print(1)\n")
        data = bytes(40 << 20)
        for _ in range(3):
            inner = io.BytesIO()
            with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as nested:
                nested.writestr("inner.zip", data)
            data = inner.getvalue()
        archive.writestr("inner.zip", data)
    return "attack.zip", buffer.getvalue()
