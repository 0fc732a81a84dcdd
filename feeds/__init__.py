"""The world: connections, protocols, events, market state. No Textual."""
