"""The wheel holds every room whole, and nothing of the machine it was made on."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("app", "feeds", "themes", "widgets")
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
BUILT_FROM = ("pyproject.toml", "README.md", "LICENSE", *ROOMS)


def shipped_files() -> set[str]:
    """List every file of the rooms that a wheel must hold, as the wheel names it."""
    return {
        f"mdterm/{path.relative_to(ROOT).as_posix()}"
        for room in ROOMS
        for path in (ROOT / room).rglob("*")
        if path.suffix in (".py", ".tcss") or path.name == "py.typed"
    }


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # From a copy: setuptools writes next to its sources, and a stale build folder would hide an omission.
    copy = tmp_path_factory.mktemp("source")
    for name in BUILT_FROM:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy)
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(copy)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = out.glob("*.whl")
    return built


def test_wheel_holds_every_room_whole_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    packed = {name for name in names if not name.partition("/")[0].endswith(".dist-info")}
    assert packed == shipped_files()


def test_packages_are_the_folders() -> None:
    folders = {
        ".".join(("mdterm", *path.parent.relative_to(ROOT).parts))
        for room in ROOMS
        for path in (ROOT / room).rglob("__init__.py")
    }
    assert set(PROJECT["tool"]["setuptools"]["packages"]) == folders


def test_no_module_stands_outside_a_package() -> None:
    stray = [
        path.relative_to(ROOT).as_posix()
        for room in ROOMS
        for path in (ROOT / room).rglob("*.py")
        if not (path.parent / "__init__.py").exists()
    ]
    assert stray == []


def test_wheel_runs_on_its_own(wheel: Path, tmp_path: Path) -> None:
    target = tmp_path / "site"
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index"]
    command += ["--target", str(target), str(wheel)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    script = target / "bin" / "mdterm"
    # An editable install of the same name leads elsewhere by a finder that sys.path does not show; the
    # module's own file says which copy ran.
    probe = (
        "import sys, runpy\n"
        "sys.meta_path[:] = [each for each in sys.meta_path if '__editable__' not in repr(each)]\n"
        "for name in [*sys.modules]:\n"
        "    if name.partition('.')[0] == 'mdterm': del sys.modules[name]\n"
        f"sys.path.insert(0, {str(target)!r}); sys.argv = ['mdterm', '--version']\n"
        "import mdterm.app; print(mdterm.app.__file__, flush=True)\n"
        f"runpy.run_path({str(script)!r}, run_name='__main__')\n"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    file, _, rest = done.stdout.partition("\n")
    assert Path(file).is_relative_to(target)
    version = re.search(r"-(\d[^-]*)-py3", wheel.name)
    assert version is not None
    assert version[1] in rest


def test_wheel_names_its_providers(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (each for each in archive.namelist() if each.endswith("/entry_points.txt"))
        text = archive.read(name).decode()
        packed = set(archive.namelist())
    for module in re.findall(r"= ([\w.]+):\w+", text):
        path = module.replace(".", "/")
        assert {f"{path}.py", f"{path}/__init__.py"} & packed, (
            f"{module} is an entry point and not in the wheel"
        )
    assert "mdterm.app.main:main" in text


def tracked_texts() -> Iterator[tuple[str, str]]:
    """Give every text file under version control, by its path."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True)
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if not path.is_file():
            continue
        try:
            yield name, path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


@pytest.mark.skipif(
    not (ROOT / ".git").exists(), reason="not a checkout: nothing says which files are tracked"
)
def test_no_tracked_file_names_a_machine_or_a_registry() -> None:
    # Spelt in pieces, so that this file does not find itself.
    unwanted = re.compile(
        "|".join(
            (
                "files" + r"\.pythonhosted\.org",
                "py" + r"pi\.org/simple",
                "registry" + r"\.npmjs",
                "--" + "(extra-)?index-url",
                "--" + "find-links",
                r"(?<![\w.~])/" + r"(root|home/\w+|Users/\w+)/",
                re.escape(str(ROOT)) + r"\b" if len(ROOT.parts) > 2 else "(?!)",
            )
        )
    )
    found = [
        f"{name}:{number}: {match[0]}"
        for name, text in tracked_texts()
        for number, line in enumerate(text.splitlines(), 1)
        if (match := unwanted.search(line))
    ]
    assert found == []


@pytest.mark.skipif(
    not (ROOT / ".git").exists(), reason="not a checkout: nothing says which files are tracked"
)
def test_no_lock_file_with_addresses() -> None:
    locks = [
        name for name, _ in tracked_texts() if re.search(r"(^|/)([\w-]+\.lock|pylock[\w.]*\.toml)$", name)
    ]
    assert locks == []


def test_constraints_pin_every_package_exactly() -> None:
    lines = (ROOT / "constraints" / "test.txt").read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert [line for line in pins if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+", line)] == []
    pinned = {canonical(line.partition("==")[0]) for line in pins}
    project = PROJECT["project"]
    extras = project["optional-dependencies"]
    wanted = {
        requirement_name(each) for each in (*project["dependencies"], *extras["test"], *extras["check"])
    }
    assert wanted - pinned == set()


def test_constraints_are_what_runs_here() -> None:
    if os.environ.get("CI") != "true":
        pytest.skip("only CI promises the pinned versions")
    from importlib.metadata import version

    pins = (ROOT / "constraints" / "test.txt").read_text().splitlines()
    pinned = dict(line.split("==") for line in pins if "==" in line and not line.startswith("#"))
    differing = {
        name: version(name) for name in ("textual", "pytest", "msgspec") if version(name) != pinned[name]
    }
    assert differing == {}


def requirement_name(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found is not None
    return canonical(found[0])


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
