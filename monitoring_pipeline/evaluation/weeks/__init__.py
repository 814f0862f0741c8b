"""What a week was like for models: what changed since the week before, in words for people who lead them."""
