"""JayX: candles, books with trades, balances and open orders, over Socket.IO or a bare WebSocket."""
