"""From Plan, Report and Event to text and HTML."""
