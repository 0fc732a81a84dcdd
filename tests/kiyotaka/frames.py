"""Frames as Kiyotaka's documentation samples them, byte for byte, and the messages that ask for them.

Control frames and the figures of some samples are inferred; shapes and names are documented.
"""

# ruff: noqa: E501 - a wrapped fixture would be another fixture

TRADE = b"""{"points":[{"series":{"type":"TRADE","symbol":"BTCUSDT","exchange":"BINANCE_FUTURES","normalizedSymbol":"BTC-USDT","category":"PERPETUAL","side":"BUY","coin":"BTC","inverse":false},"trade":{"id":"7126482260","price":90003,"amount":0.002,"timestamp":{"seconds":1769058875,"nanoseconds":830000000}}}]}"""

TRADE_AGG_REQUEST = b"""{"jsonrpc":"2.0","id":0,"method":"public/subscribe","params":{"channels":[{"type":"TRADE_AGG","category":"*","exchange":"BINANCE_FUTURES","symbol":"BTCUSDT","batchInterval":"200ms"}],"compression":"brotli","version":"v2"}}"""

TRADE_AGG = b"""{"points":[
 {"series":{"type":"TRADE_AGG","symbol":"BTCUSDT","exchange":"BINANCE_FUTURES","normalizedSymbol":"BTC-USDT","category":"PERPETUAL","session":"0","side":"SELL","coin":"BTC","inverse":false},
  "tradeAggregation":{"open":90003.1,"high":90003.1,"low":90001.9,"close":90002.0,"volume":1.284,"timestamp":{"seconds":1769058875,"nanoseconds":800000000},"firstTimestamp":{"seconds":1769058875,"nanoseconds":812000000},"lastTimestamp":{"seconds":1769058875,"nanoseconds":991000000}}},
 {"series":{"type":"TRADE_AGG","symbol":"BTCUSDT","exchange":"BINANCE_FUTURES","normalizedSymbol":"BTC-USDT","category":"PERPETUAL","session":"0","side":"BUY","coin":"BTC","inverse":false},
  "tradeAggregation":{"open":90003.2,"high":90004.0,"low":90003.2,"close":90004.0,"volume":0.417,"timestamp":{"seconds":1769058875,"nanoseconds":800000000},"firstTimestamp":{"seconds":1769058875,"nanoseconds":803000000},"lastTimestamp":{"seconds":1769058875,"nanoseconds":988000000}}}
]}"""

BOOK_REQUEST = b"""{"jsonrpc":"2.0","id":0,"method":"public/subscribe","params":{"channels":[{"type":"BLOCK_BOOK_SNAPSHOT","category":"*","exchange":"BINANCE_FUTURES","symbol":"BTCUSDT","blockSize":"25","maxDepth":"500","quote":"COIN","updateFrequency":"1s"}],"compression":"brotli","version":"v2"}}"""

BOOK = b"""{"points":[{"series":{"type":"BLOCK_BOOK_SNAPSHOT","symbol":"BTCUSDT","exchange":"BINANCE_FUTURES","normalizedSymbol":"BTC-USDT","coin":"BTC","blockSize":25,"inverse":false},"blockBookSnapshot":{"bids":[90000,42.117,89975,18.904,89950,63.25,89925,21.7],"asks":[90025,37.66,90050,55.012,90075,12.4,90100,140.75],"timestamp":{"seconds":1769058876,"nanoseconds":100000000}}}]}"""

GROUPED_BOOK = b"""{"points":[{"series":{"type":"BLOCK_BOOK_SNAPSHOT","exchange":"BINANCE_FUTURES","coin":"BTC","blockSize":25},"blockBookSnapshot":{"bids":[90000,512.4,89975,233.1],"asks":[90025,301.9,90050,288.0],"timestamp":{"seconds":1769058876}}}]}"""

LIQUIDATION = b"""{"points":[{"series":{"type":"LIQUIDATION","symbol":"BTCUSDT","exchange":"BINANCE_FUTURES","normalizedSymbol":"BTC-USDT","category":"PERPETUAL","side":"SELL","coin":"BTC","inverse":false},"liquidation":{"id":"394820175","price":89750.5,"amount":0.15,"timestamp":{"seconds":1769058900,"nanoseconds":420000000}}}]}"""

FUNDING_RATE = b"""{"points":[
 {"series":{"type":"FUNDING_RATE","symbol":"BTCUSDT","exchange":"BINANCE_FUTURES","normalizedSymbol":"BTC-USDT","category":"PERPETUAL","coin":"BTC","inverse":false},"fundingRate":{"fundingRate":0.0001,"predictedFundingRate":0.000087,"timestamp":{"seconds":1769058880,"nanoseconds":0}}},
 {"series":{"type":"FUNDING_RATE","symbol":"BTC","exchange":"HYPERLIQUID_FUTURES","category":"PERPETUAL","coin":"BTC"},"fundingRate":{"fundingRate":-0.0000125,"timestamp":{"seconds":1769058881}}}
]}"""

OPEN_INTEREST = b"""{"points":[{"series":{"type":"OPEN_INTEREST","symbol":"BTCUSDT","exchange":"BINANCE_FUTURES","normalizedSymbol":"BTC-USDT","category":"PERPETUAL","coin":"BTC","inverse":false},"openInterest":{"openInterest":84512.337,"timestamp":{"seconds":1769058885,"nanoseconds":512000000}}}]}"""

VOLUME_PROFILE_REQUEST = b"""{"jsonrpc":"2.0","id":0,"method":"public/subscribe","params":{"channels":[{"type":"VOLUME_PROFILE_AGG","category":"*","exchange":"BINANCE_FUTURES","symbol":"BTCUSDT","quote":"USD"}],"compression":"brotli","version":"v2"}}"""

VOLUME_PROFILE = b"""{"points":[{"series":{"type":"VOLUME_PROFILE_AGG","symbol":"BTCUSDT","exchange":"BINANCE_FUTURES","coin":"BTC","category":"PERPETUAL","blockSize":25},"volumeProfileAggregation":{"profile":[89950,1.25,0.87,89975,3.41,2.15,90000,5.67,4.32,90025,2.89,3.01,90050,1.54,1.1],"timestamp":{"seconds":1769058840,"nanoseconds":0}}}]}"""

REPLY = b"""{"jsonrpc":"2.0","id":1,"result":"ok"}"""

AUTH_ERROR = b"""{"jsonrpc":"2.0","id":1,"error":{"code":-32001,"message":"invalid token"}}"""

REST_ERROR = b"""{"error":"INVALID_SYMBOL","message":"Unknown symbol for the specified exchange."}"""

NO_POINTS = b"""{"points":[]}"""

HOSTILE = b"""{"points":[{"series":{"type":"SOMETHING_NEW"},"somethingNew":{}},{"series":{"type":"TRADE","exchange":"BYBIT","symbol":"BTCUSDT","side":"SELL"},"trade":{"id":"a1","price":"90001.5","amount":"0.01","timestamp":{"seconds":"1769058875"}}},{"series":{"type":"BLOCK_BOOK_SNAPSHOT","symbol":"BTCUSDT","exchange":"BINANCE_FUTURES","blockSize":25},"blockBookSnapshot":{"bids":[90000,1.0,89975],"timestamp":{"seconds":1769058876}}}]}"""
