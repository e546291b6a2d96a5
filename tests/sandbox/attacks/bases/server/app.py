"""What an attack puts its own program in the place of: correct as it stands."""

import server

server.serve(server.Honest)
