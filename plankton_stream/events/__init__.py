"""The event contracts: topics, envelopes, and what each event says."""
