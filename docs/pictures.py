"""Makes the pictures of README and docs from the real product: ``make pictures`` writes docs/img.

Plans the demo in ``build/pictures`` (its fitted model stays there for the next time), and looks at what came out: the
pages in chromium, the workbook through LibreOffice, the terminal as it was shown. Needs Debian's chromium,
libreoffice-calc, poppler-utils and fonts-noto-cjk.
"""

from __future__ import annotations

import io
import os
import pty
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image, ImageChops
from playwright.sync_api import Page, sync_playwright
from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parents[1]
HOME = ROOT / "build" / "pictures"
IMAGES = ROOT / "docs" / "img"
BUDGET = Path(sys.executable).with_name("budget")
CHROMIUM = "/usr/bin/chromium"

COLUMNS = 100
COLOURS = 256  # of a picture: flat drawings need no more, and files stay small
TERMINAL = """<!doctype html><meta charset="utf-8"><style>
@font-face {{ font-family: Lines; src: local("DejaVu Sans Mono"); size-adjust: 83.1%; unicode-range: U+2500-257F; }}
body {{ margin: 0; padding: 18px 22px; background: {background}; color: {foreground}; width: max-content; }}
pre {{ margin: 0; font: 15px/1.35 Lines, "Noto Sans Mono CJK SC", monospace; }}
{stylesheet}</style><pre><span style="color:#8f9bb3">$ </span>{command}
{code}</pre>"""


def main() -> None:
    """Make every picture, and say how large they are."""
    project = demo()
    IMAGES.mkdir(parents=True, exist_ok=True)
    shown = {
        lang: on_terminal("plan", "--config", project, "--lang", lang, "--out", HOME / lang) for lang in ("en", "zh")
    }
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for lang in ("en", "zh"):
            page_pictures(browser, HOME / lang / "plan.html", lang)
            terminal_picture(browser, shown[lang], lang)
        browser.close()
    for lang in ("en", "zh"):
        workbook_pictures(HOME / lang / "plan.xlsx", lang)
    for path in sorted(IMAGES.glob("*.png")):
        print(f"{path.relative_to(ROOT)}  {path.stat().st_size // 1024} KB")


def demo() -> Path:
    """Return the project file of a copy of the demo, its fitted model kept from the last time."""
    HOME.mkdir(parents=True, exist_ok=True)
    for path in (ROOT / "configs" / "demo").iterdir():
        shutil.copy(path, HOME / path.name)
    subprocess.run([BUDGET, "fit", "--config", HOME / "budget.yaml", "--out", HOME / "fit", "--quiet"], check=True)
    return HOME / "budget.yaml"


def on_terminal(*words: object) -> str:
    """Run ``budget WORDS`` on a terminal of 100 columns; returns what it showed on stdout, colours included."""
    ours, theirs = pty.openpty()
    environment = os.environ | {"COLUMNS": str(COLUMNS), "TERM": "xterm-256color"}
    with subprocess.Popen(
        [str(BUDGET), *map(str, words)], stdout=theirs, stderr=subprocess.DEVNULL, env=environment
    ) as run:
        os.close(theirs)
        shown = bytearray()
        while read := _read(ours):
            shown += read
    os.close(ours)
    if run.returncode:
        raise SystemExit(f"budget {words}: exit code {run.returncode}")
    return shown.decode().replace("\r\n", "\n").replace(f"{HOME}/", "plans/")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the terminal is gone with its last writer
        return b""


def save(picture: bytes, name: str, *, most: int | None = None) -> None:
    """Write a picture small: few colours, at most so many pixels high."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    if most is not None and image.height > most:
        image = image.crop((0, 0, image.width, most))
    small = image.quantize(COLOURS, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    small.save(IMAGES / f"{name}.png", optimize=True)


def cropped(picture: bytes, margin: int = 24) -> bytes:
    """Cut off the empty paper around a sheet, its footer with it."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    sheet = image.crop((0, 0, image.width, int(0.93 * image.height)))
    box = ImageChops.invert(sheet).getbbox() or (0, 0, *sheet.size)
    left, top, right, bottom = box
    kept = sheet.crop((left - margin, top - margin, right + margin, bottom + margin))
    out = io.BytesIO()
    kept.save(out, "PNG")
    return out.getvalue()


def page_pictures(browser: Any, path: Path, lang: str) -> None:
    """Picture the first screen, the curves and a phone."""

    def look(width: int, height: int, take: Callable[[Page], bytes]) -> bytes:
        page = browser.new_page(viewport={"width": width, "height": height})
        page.goto(path.as_uri())
        taken = take(page)
        page.close()
        return taken

    save(look(1440, 900, lambda page: page.screenshot()), f"page-{lang}")
    save(look(1440, 900, lambda page: page.locator("#curves").screenshot()), f"curves-{lang}")
    save(look(1440, 900, lambda page: page.locator("#flighting").screenshot()), f"weeks-{lang}")
    save(look(390, 844, lambda page: page.screenshot()), f"phone-{lang}")


def terminal_picture(browser: Any, shown: str, lang: str) -> None:
    """Picture the terminal's answer, from its head to what binds."""
    lines = shown.split("\n")
    last = next((at for at, line in enumerate(lines) if re.match(r"\S*(Notes|说明)", plain(line))), len(lines))
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi("\n".join(lines[:last])), soft_wrap=True)
    command = f"budget plan --total 5000000{' --lang zh' if lang == 'zh' else ''}"
    html = console.export_html(code_format=TERMINAL.replace("{command}", command), theme=dark())
    page = browser.new_page(viewport={"width": 1200, "height": 800})
    page.set_content(html)
    save(page.locator("body").screenshot(), f"terminal-{lang}")
    page.close()


def plain(line: str) -> str:
    """Return a line without its colours."""
    return re.sub(r"\x1b\[[0-9;]*m", "", line)


def dark() -> Any:
    """Return the colours of the pictured terminal."""
    from rich.terminal_theme import MONOKAI

    return MONOKAI


def workbook_pictures(path: Path, lang: str) -> None:
    """Picture the sheets that finance opens first, as LibreOffice lays them out."""
    office = HOME / "office"
    command = ["soffice", f"-env:UserInstallation=file://{office}", "--headless", "--convert-to", "pdf"]
    subprocess.run([*command, "--outdir", str(HOME / lang), str(path)], check=True, capture_output=True)
    printed = path.with_suffix(".pdf")
    words = subprocess.run(["pdftotext", "-layout", str(printed), "-"], check=True, capture_output=True, text=True)
    pages = words.stdout.split("\f")
    for sheet in ("Summary", "Plan"):
        number = next(
            at for at, page in enumerate(pages, start=1) if re.search(rf"^\s*{sheet}\s", page.strip().split("\n")[-1])
        )
        drawn = ["pdftoppm", "-r", "130", "-f", str(number), "-l", str(number), "-png", str(printed)]
        taken = subprocess.run(drawn, check=True, capture_output=True).stdout
        save(cropped(taken), f"workbook-{sheet.lower()}-{lang}")


if __name__ == "__main__":
    main()
