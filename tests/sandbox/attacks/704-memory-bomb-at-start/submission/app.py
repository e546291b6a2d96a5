kept = []
while True:
    kept.append(b"x" * (4 << 20))
