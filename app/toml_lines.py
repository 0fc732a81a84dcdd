"""Where in a TOML text each key stands. `tomllib` reads the values but forgets the lines."""

from collections.abc import Iterator

KeyPath = tuple[str | int, ...]


def key_lines(text: str) -> dict[KeyPath, int]:
    """Map every key path of a text that tomllib accepts to its line (from 1); array elements are numbers.

    `[a.b]` gives `("a",)` and `("a", "b")`; the first line that names a path is kept.
    """
    return _Scan(text).run()


_BARE_END = frozenset(" \t\r\n.=]#\"',{}[")


class _Scan:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.line = 1
        self.lines: dict[KeyPath, int] = {}
        self.arrays: dict[KeyPath, int] = {}

    def run(self) -> dict[KeyPath, int]:
        table: KeyPath = ()
        while self.skip_blank():
            before = self.at
            if self.looking_at("[["):
                self.take(2)
                table = self.enter(self.dotted_key(), is_array=True)
                self.take_while("] \t")
            elif self.looking_at("["):
                self.take(1)
                table = self.enter(self.dotted_key(), is_array=False)
                self.take_while("] \t")
            else:
                self.pair(table)
            if self.at == before:  # not TOML; going on would never end
                break
        return self.lines

    def enter(self, key: tuple[str, ...], *, is_array: bool) -> KeyPath:
        """Note a table header and return the path its keys stand under."""
        path: KeyPath = ()
        for depth, part in enumerate(key, 1):
            path = (*path, part)
            self.note(path)
            if is_array and depth == len(key):
                self.arrays[path] = self.arrays.get(path, -1) + 1
            if path in self.arrays:
                path = (*path, self.arrays[path])
                self.note(path)
        return path

    def note(self, path: KeyPath) -> None:
        self.lines.setdefault(path, self.line)

    def pair(self, table: KeyPath) -> None:
        path = table
        for part in self.dotted_key():
            path = (*path, part)
            self.note(path)
        self.take_while(" \t")
        if self.looking_at("="):
            self.take(1)
            self.take_while(" \t")
            self.value(path)

    def value(self, path: KeyPath) -> None:
        char = self.peek()
        if char in ('"', "'"):
            self.string()
        elif char == "[":
            self.take(1)
            for index in self.items("]"):
                self.note((*path, index))
                self.value((*path, index))
        elif char == "{":
            self.take(1)
            for _ in self.items("}"):
                self.pair(path)
        else:
            while self.peek() not in ("", "\n", ",", "]", "}", "#"):
                self.take(1)

    def items(self, end: str) -> Iterator[int]:
        """Step over the separators of an array or inline table, stopping before each item."""
        index = 0
        while self.skip_blank(","):
            if self.looking_at(end):
                self.take(1)
                return
            before = self.at
            yield index
            index += 1
            if self.at == before:
                return

    def dotted_key(self) -> tuple[str, ...]:
        parts: list[str] = []
        while True:
            self.take_while(" \t")
            if self.peek() in ('"', "'"):
                parts.append(self.string())
            else:
                start = self.at
                while self.peek() and self.peek() not in _BARE_END:
                    self.take(1)
                parts.append(self.text[start : self.at])
            self.take_while(" \t")
            if not self.looking_at("."):
                return tuple(parts)
            self.take(1)

    def string(self) -> str:
        """Take one string of any of TOML's four kinds and return its value (escapes of keys included)."""
        quote = self.peek()
        is_multi_line = self.looking_at(quote * 3)
        fence = quote * 3 if is_multi_line else quote
        self.take(len(fence))
        start = self.at
        while self.peek() and not self.looking_at(fence):
            self.take(2 if quote == '"' and self.peek() == "\\" else 1)
        body = self.text[start : self.at]
        self.take(len(fence))
        if is_multi_line:  # up to two quotes may stand right before the closing three
            self.take_while(quote)
        return _unescaped(body) if quote == '"' and not is_multi_line else body

    def skip_blank(self, also: str = "") -> bool:
        """Step over white space, comments and `also`; say whether anything is left."""
        while char := self.peek():
            if char == "#":
                while self.peek() not in ("", "\n"):
                    self.take(1)
            elif char in " \t\r\n" or char in also:
                self.take(1)
            else:
                return True
        return False

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def looking_at(self, what: str) -> bool:
        return self.text.startswith(what, self.at)

    def take(self, count: int) -> None:
        self.line += self.text.count("\n", self.at, self.at + count)
        self.at += count

    def take_while(self, chars: str) -> None:
        while self.peek() and self.peek() in chars:
            self.take(1)


_ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", '"': '"', "\\": "\\"}


def _unescaped(body: str) -> str:
    if "\\" not in body:
        return body
    out: list[str] = []
    at = 0
    while at < len(body):
        if body[at] != "\\":
            out.append(body[at])
            at += 1
            continue
        kind = body[at + 1 : at + 2]
        width = {"u": 4, "U": 8}.get(kind, 0)
        if width:
            digits = body[at + 2 : at + 2 + width]
            out.append(chr(int(digits, 16)) if len(digits) == width else "")
        else:
            out.append(_ESCAPES.get(kind, kind))
        at += 2 + width
    return "".join(out)
