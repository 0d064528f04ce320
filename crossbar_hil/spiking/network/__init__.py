"""The spiking network: pure step functions, and the network that holds their state."""
