"""What spiking networks learn: images, tasks for small arrays, and the models that go with them."""
