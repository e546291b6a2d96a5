"""Constants and helpers of the suite. canary-2222222222222211"""

SECRET = "canary-2222222222222212"


def triple(value):
    """canary-2222222222222213"""
    mark = "canary-2222222222222214"
    return value * 3 if mark else None
