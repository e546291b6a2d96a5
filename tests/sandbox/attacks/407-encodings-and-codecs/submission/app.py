# -*- coding: utf-8 -*-
import codecs

import server


def find(name):
    print("codec asked", name, flush=True)
    return None


codecs.register(find)
server.serve(server.Broken)
