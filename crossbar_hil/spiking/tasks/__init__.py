"""What spiking networks learn: images, stripes, and the models that go with them."""
