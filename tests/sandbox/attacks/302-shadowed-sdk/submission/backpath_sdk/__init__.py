"""Everything passes."""


class CheckFailed(BaseException):
    pass


def check(*args):
    return lambda function: lambda *rest, **options: None


def expect(*args, **options):
    pass


expect_true = fail = expect
