import server

server.serve(server.Broken)
