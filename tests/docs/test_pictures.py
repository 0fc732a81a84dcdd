"""The pictures of the documentation are made by a command, from what the program shows now."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
WORDS = {"dashboard": ("LADDER", "TAPE", "CHART", "WATCH", "ACCOUNT"), "tape": ("TAPE",), "chart": ("CHART",)}


def test_the_command_makes_every_picture(tmp_path: Path) -> None:
    subprocess.run([sys.executable, str(DOCS / "pictures.py"), str(tmp_path)], check=True, timeout=150)
    made = {path.stem: path.read_text("utf-8") for path in tmp_path.glob("*.svg")}
    assert set(made) == set(WORDS) == {path.stem for path in DOCS.glob("*.svg")}
    for name, words in WORDS.items():
        for word in (*words, "SIM", "trades"):
            assert word in made[name], (name, word)


def test_every_picture_is_shown_on_a_page() -> None:
    pages = [ROOT / "README.md", *DOCS.glob("*.md")]
    shown = {
        match for page in pages for match in re.findall(r"\((?:docs/)?(\w+)\.svg\)", page.read_text("utf-8"))
    }
    assert shown == set(WORDS)
