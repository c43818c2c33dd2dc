"""What requests may hold: one file per dialect, checked before anything is sent on."""
