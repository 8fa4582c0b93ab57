"""From Plan, Report and Event to what people read."""
