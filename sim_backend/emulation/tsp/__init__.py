"""The TSP engine: a fenced Lua and the objects of an instrument."""
