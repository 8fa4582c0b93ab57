"""A lock in the words of others: PEP 751's pylock.toml, and a bill of materials."""
