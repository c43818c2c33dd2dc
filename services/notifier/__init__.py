"""The notifier: sends signed webhooks. No other service connects to receivers."""
