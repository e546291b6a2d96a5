def check(*args):
    return lambda function: lambda: None
