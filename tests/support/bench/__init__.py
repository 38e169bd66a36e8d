"""What the benchmarks of whole programs share: a world on loopback, a server for it, and measuring."""
