"""What the cluster sets in motion: loops and steps that act on what core decides."""
