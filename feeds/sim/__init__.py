"""The simulated venue: real servers on loopback that speak the providers' protocols."""
