"""Broken copies of good frames, fast and the same for the same seed."""

import random
import re
from collections.abc import Sequence
from typing import Final

_VALUE: Final = re.compile(
    rb'"(?:[^"\\]|\\.)*"(?=\s*[,}\]])|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|true|false|null'
)
"""Values of JSON, and numbers within texts; keys are left alone."""

# Values that have broken decoders: wrong kinds, ends of ranges, spellings of no number, text that rules.
TOKENS: Final = (
    *(b"null", b"true", b"false", b"0", b"-0.0", b"-1", b"1", b"1.5", b"1e308", b"-1e308", b"5e-324"),
    *(b"2147483648", b"9223372036854775807", b"9223372036854775808", b"18446744073709551616"),
    *(b"1" + b"0" * 40, b"1e400", b"NaN", b"Infinity", b"-Infinity", b"1e999999", b"0.1e-999999"),
    *(
        b'"NaN"',
        b'"-Infinity"',
        b'"1e400"',
        b'"1e-400"',
        b'"' + b"9" * 400 + b'"',
        b"9" * 5000,
        b'"' + b"9" * 5000 + b'"',
        b'"0x10"',
        b'"1_000"',
    ),
    *(b'""', b'"0"', b'"-1"', b'" 1 "', b'"\xd9\xa1"', b'"1,5"', b'"BUY"', b'"sell"', b'"TRADE"'),
    *(rb'"\ud800"', rb'"\udfff\ud800"', rb'"\u0000\u001b[2J\u202e"', b'"\x1b]0;x\x07"', b'"\xff\xfe"'),
    *(
        rb'"\u200b\u2066\u0301"',
        '"\U0001f600漢字テスト"'.encode(),
        b'"[red]bold[/red]"',
        b'"' + b"x" * 5000 + b'"',
    ),
    *(b"[]", b"{}", b"[[]]", b"[1,2,3]", b'{"a":1}', b'{"code":401,"message":"no"}', b'[{"price":"1"}]'),
    *(b"253402300800000", b"-62135596800", b"1e18", b"99999999999999999999999", b"1769058875.5"),
)
_PIECES: Final = (
    *(b"{", b"}", b"[", b"]", b'"', b",", b":", b"\\", b"\x00", b"\x1b[", b"\n", b"\r\n", b"\xef\xbb\xbf"),
    *(b"[" * 1200, b'{"a":' * 1200, b'"\\u', b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"42", b"0{", b"2", b"40"),
)


class Mutations:
    """An endless stream of frames made of ``corpus`` and of the pieces given."""

    def __init__(self, corpus: Sequence[bytes], seed: int, pieces: Sequence[bytes] = ()) -> None:
        self._dice = random.Random(seed)
        self._corpus = [(one, [match.span() for match in _VALUE.finditer(one)]) for one in corpus]
        self._pieces = (*_PIECES, *pieces)

    def frame(self) -> bytes:
        """Return the next frame."""
        dice = self._dice
        roll = dice.random()
        base, spans = dice.choice(self._corpus)
        if roll < 0.05:
            return base
        if roll < 0.07:
            return dice.randbytes(dice.randrange(120))
        if roll < 0.65 and spans:
            return self._replaced(base, spans)
        return self._torn(base)

    def _replaced(self, base: bytes, spans: Sequence[tuple[int, int]]) -> bytes:
        """Return a frame that is mostly still JSON: a few values are others."""
        dice = self._dice
        chosen = sorted({dice.choice(spans) for _ in range(dice.choice((1, 1, 1, 2, 3)))}, reverse=True)
        for begin, end in chosen:
            other = dice.choice(TOKENS)
            if base[begin : begin + 1] != b'"' and base[begin - 1 : begin] == b'"':
                other = other.strip(b'"')  # a number that stands in a text stays in it
            base = base[:begin] + other + base[end:]
        return base

    def _torn(self, base: bytes) -> bytes:
        dice = self._dice
        data = bytearray(base)
        for _ in range(dice.choice((1, 1, 2, 3, 6))):
            at = dice.randrange(len(data) + 1)
            what = dice.randrange(7)
            if what == 0:
                data[at : at + 1] = bytes((dice.randrange(256),))
            elif what == 1:
                del data[at : at + dice.randrange(1, 40)]
            elif what == 2:
                data[at:at] = dice.choice(self._pieces)
            elif what == 3:
                data[at:at] = dice.choice(TOKENS)
            elif what == 4:
                del data[at:]
            elif what == 5:
                other = dice.choice(self._corpus)[0]
                data[at:] = other[dice.randrange(len(other) + 1) :]
            else:
                data[at:at] = data[at : at + dice.randrange(1, 80)]
        return bytes(data)
