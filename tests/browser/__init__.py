"""What a real browser makes of the HTML."""
