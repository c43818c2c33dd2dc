"""What is answered, by topic. It describes the API; nothing is checked against it when the gateway runs."""
