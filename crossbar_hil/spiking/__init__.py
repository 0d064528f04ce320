"""The spiking network: encoding, neurons, plasticity, and the network made of them."""
