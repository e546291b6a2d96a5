import os

for folder in (".", "/tmp", os.environ.get("DATA_DIR", "/tmp")):
    open(folder + "/PREPARED", "w").close()
print("PREPARED")
