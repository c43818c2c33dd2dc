"""The gRPC services: each method reads its request, calls one part of the scheduler, and answers."""
