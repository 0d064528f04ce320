"""The Lua of TSP instruments: a sandbox, and the objects that scripts see."""
