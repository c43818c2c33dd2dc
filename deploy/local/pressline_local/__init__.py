"""The whole system on one machine: embedded servers and the services under one supervisor and one data folder."""
