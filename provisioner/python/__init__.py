"""What the kind pip needs to know: interpreters, distributions, requirements, and what uv says."""
