"""What spiking networks learn: images, stripes, and the presets that go with them."""
