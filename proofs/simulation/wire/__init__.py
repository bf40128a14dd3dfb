"""The second family of worlds: the real plugins and the real HTTP client, over a wire on which answers are spoilt."""
