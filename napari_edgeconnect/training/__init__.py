"""Training: data, losses and the trainer. Needs the networks of ``core`` and nothing above."""
