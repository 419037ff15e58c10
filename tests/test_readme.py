"""What the README and the documents show is true: their Python blocks run, their commands are
CI's.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PYTHON_BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def blocks() -> list[tuple[str, str]]:
    return [
        (f"{page.name}:{page.read_text().count(chr(10), 0, match.start()) + 1}", match.group(1))
        for page in PAGES
        for match in PYTHON_BLOCK.finditer(page.read_text())
    ]


@pytest.mark.parametrize(("where", "code"), blocks(), ids=[where for where, _ in blocks()])
def test_python_block_runs(where: str, code: str, tmp_path: Path) -> None:
    script = tmp_path / "block.py"
    script.write_text(code)
    done = subprocess.run(
        [sys.executable, script.name], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{where}:\n{done.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_links_between_documents_lead_somewhere(page: Path) -> None:
    broken = [
        target for target in LINK.findall(page.read_text()) if not (page.parent / target).exists()
    ]
    assert broken == []


def test_ci_runs_the_two_commands_of_the_readme() -> None:
    readme, script = (ROOT / "README.md").read_text(), (ROOT / ".ci" / "run").read_text()
    for marker in ("run", "test"):
        assert f"<!-- ci: {marker} -->\n```sh\n" in readme
        assert f"readme_command {marker}" in script


def test_the_page_of_errors_is_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tests/tools/make_errors_page.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
