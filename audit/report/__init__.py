"""What an audit found: the record, and how it is shown."""
