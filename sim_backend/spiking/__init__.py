"""The spiking network on large simulated crossbars, compiled."""
