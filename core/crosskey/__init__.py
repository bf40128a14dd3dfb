"""crosskey keeps a service desk in step with an identity provider."""
