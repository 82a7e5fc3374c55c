"""apply_patch: the v4a format of the coding agent loop specification, appendix A (DoD 9.2)."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_tui.agent import LocalExecutionEnvironment, PatchError, apply_patch, parse_patch
from factory_tui.agent.patch import Hunk, apply_hunks


async def run(root: Path, body: str) -> list[str]:
    env = LocalExecutionEnvironment(root)
    return await apply_patch(
        f"*** Begin Patch\n{body}*** End Patch\n",
        read=env.read_file,
        write=env.write_file,
        delete=env.delete_file,
        exists=env.file_exists,
    )


async def test_all_operations(tmp_path: Path) -> None:
    """Add, delete, update with several hunks, rename: the appendix's examples."""
    (tmp_path / "old_module.py").write_text("gone\n")
    (tmp_path / "old_name.py").write_text("import os\nimport sys\nimport old_dep\n")
    (tmp_path / "config.py").write_text(
        "DEFAULT_TIMEOUT = 30\n\n\ndef load_config():\n    config = {}\n"
        '    config["debug"] = False\n    return config\n'
    )
    done = await run(
        tmp_path,
        "*** Add File: src/utils/helpers.py\n+def greet(name):\n+    return name\n"
        "*** Delete File: old_module.py\n"
        "*** Update File: old_name.py\n*** Move to: new_name.py\n@@ import os\n import sys\n"
        "-import old_dep\n+import new_dep\n"
        "*** Update File: config.py\n@@ DEFAULT_TIMEOUT = 30\n-DEFAULT_TIMEOUT = 30\n"
        "+DEFAULT_TIMEOUT = 60\n@@ def load_config():\n     config = {}\n"
        '-    config["debug"] = False\n+    config["debug"] = True\n',
    )
    assert done == [
        "A src/utils/helpers.py",
        "D old_module.py",
        "R old_name.py -> new_name.py",
        "M config.py",
    ]
    assert (tmp_path / "src/utils/helpers.py").read_text() == "def greet(name):\n    return name\n"
    assert not (tmp_path / "old_module.py").exists() and not (tmp_path / "old_name.py").exists()
    assert (tmp_path / "new_name.py").read_text() == "import os\nimport sys\nimport new_dep\n"
    config = (tmp_path / "config.py").read_text()
    assert "TIMEOUT = 60" in config and '"debug"] = True' in config


async def test_hints_tell_equal_places_apart(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("def a():\n    return 1\n\ndef b():\n    return 1\n")
    await run(tmp_path, "*** Update File: f\n@@ def b():\n-    return 1\n+    return 2\n")
    assert (tmp_path / "f").read_text().endswith("def b():\n    return 2\n")
    await run(tmp_path, "*** Update File: f\n@@\n-    return 2\n+    return 3\n*** End of File\n")
    assert (tmp_path / "f").read_text().endswith("return 3\n")


async def test_fuzzy_matching_keeps_what_it_does_not_change(tmp_path: Path) -> None:
    """Whitespace and Unicode punctuation may differ; kept lines stay as in the file."""
    (tmp_path / "f").write_text(
        "say(\u201chello\u201d)\u00a0\n\tindent  \nlast\r\n".replace("\r", "")
    )
    await run(tmp_path, '*** Update File: f\n@@\n say("hello")\n     indent\n-last\n+LAST\n')
    assert (tmp_path / "f").read_text() == "say(\u201chello\u201d)\u00a0\n\tindent  \nLAST\n"
    (tmp_path / "crlf").write_bytes(b"a\r\nb\r\n")
    await run(tmp_path, "*** Update File: crlf\n@@\n a\n-b\n+c\n")
    assert (tmp_path / "crlf").read_bytes() == b"a\r\nc\r\n"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("*** Update File: f\n@@\n-nowhere\n+x\n", "not found"),
        ("*** Update File: missing\n@@\n-a\n+b\n", "file not found"),
        ("*** Delete File: missing\n", "file not found"),
        ("*** Add File: f\n+x\n", "exists already"),
        ("*** Add File: g\nx\n", "start with"),
        ("*** Update File: f\n@@\n?a\n", "start with"),
        ("*** Update File: f\n", "no changes"),
        ("*** Frob File: f\n", "not an operation"),
        ("", "empty"),
    ],
)
async def test_a_patch_that_does_not_fit_changes_nothing(
    tmp_path: Path, body: str, words: str
) -> None:
    (tmp_path / "f").write_text("a\n")
    with pytest.raises(PatchError, match=words):
        await run(tmp_path, "*** Add File: first\n+x\n" * bool(body) + body)
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {"f": "a\n"}


@given(st.text(max_size=300))
def test_no_text_breaks_the_parser(text: str) -> None:
    for patch in (text, f"*** Begin Patch\n{text}\n*** End Patch"):
        try:
            parse_patch(patch)
        except PatchError:
            pass


LINES = st.lists(st.text(alphabet="abc ", min_size=1, max_size=4), min_size=1, max_size=20)


@given(LINES, LINES, st.data())
def test_a_replaced_span_is_replaced(
    before: list[str], new: list[str], data: st.DataObject
) -> None:
    """Replacing a span by its exact lines, at its first place, gives what one expects."""
    start = data.draw(st.integers(0, len(before) - 1))
    end = data.draw(st.integers(start + 1, len(before)))
    old = before[start:end]
    first = next(i for i in range(len(before)) if before[i : i + len(old)] == old)
    hunk = Hunk(lines=[("-", line) for line in old] + [("+", line) for line in new])
    wanted = [*before[:first], *new, *before[first + len(old) :]]
    text = "".join(f"{line}\n" for line in before)
    assert apply_hunks(text, [hunk]) == "".join(f"{line}\n" for line in wanted)
