"""Networks that classify images, and take the weights that were published for them."""
