"""AllTick: stocks, indices, forex, metals, energy, CFD indices and crypto."""
