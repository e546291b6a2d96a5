"""Constants of the suite. canary-1111111111111113"""

OFFSET = len("canary-1111111111111114") - 23
SECRET = "canary-1111111111111115"
