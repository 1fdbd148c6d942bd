"""What was fetched, kept on disk: Parquet parts of messages, and the ledger that says what they cover."""
