"""What every service stands on: settings, logging, errors, RPC, the bus, objects. No batch logic."""
