"""The live site: the pages of all models over the store, and the actions of people who are signed in."""
