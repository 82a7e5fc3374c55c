"""factory.toml: defaults, and every mistake with its line and the fix."""

from decimal import Decimal
from pathlib import Path

import pytest

from factory_tui.config import ConfigError, duration, load

GOOD = """
[factory]
spec = "spec.md"

[product]
command = "./tool"

[twins]
packs = ["okta"]
"""


@pytest.fixture
def factory(tmp_path: Path) -> Path:
    (tmp_path / "spec.md").write_text("# Tool\n")
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "twins" / "okta").mkdir(parents=True)
    return tmp_path


def problems(folder: Path, text: str) -> list[str]:
    (folder / "factory.toml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(folder)
    prefix = f"{folder}/factory.toml:"
    return [p.removeprefix(prefix) for p in caught.value.problems]


def test_a_short_file_is_enough(factory: Path) -> None:
    (factory / "factory.toml").write_text(GOOD)
    settings = load(factory)
    assert settings.spec == factory / "spec.md"
    assert settings.target == 0.9
    assert settings.budget.usd == Decimal(20)
    assert settings.store == factory / "runs" / "factory.db"
    assert set(settings.models.roles()) == {"builder", "judge", "user", "summary"}


def test_everything_can_be_set(factory: Path) -> None:
    (factory / "factory.toml").write_text(
        GOOD
        + """
[budget]
tokens = 1_000
usd = "none"
warn = [90, 50]
[models]
builder = "local"
[models.prices.local]
input = 0
output = 0.5
[sandbox]
wall = "5m"
[feedback]
train = "excerpt"
"""
    )
    settings = load(factory)
    assert settings.budget.tokens == 1000
    assert settings.budget.usd is None
    assert settings.budget.warn == (0.5, 0.9)
    assert settings.models.prices["local"].output == Decimal("0.5")
    assert settings.sandbox.wall == 300
    assert settings.feedback.train == "excerpt"


def test_mistakes_have_line_and_fix(factory: Path) -> None:
    found = problems(
        factory,
        GOOD.replace('spec = "spec.md"', 'spec = "spec.md"\ntarget = 90\nmax_iteration = 3')
        + '\n[budgets]\ntokens = 5\n[sandbox]\nwall = "90 seconds"\n',
    )
    assert found == [
        "4: `factory.target` must be a share above 0 and up to 1, such as 0.9, got 90",
        "5: unknown key `factory.max_iteration`; did you mean `max_iterations`?",
        "13: unknown section `budgets`; did you mean `budget`?",
        "16: `sandbox.wall` must look like `90s` or `5m`, got '90 seconds'",
    ]


def test_a_comment_behind_a_section_does_not_hide_its_lines(factory: Path) -> None:
    more = """
[budget]                 # of one run [see above]
# tokens = 1
tokens = "lots"
[models]  # who
[ models.prices."some.model" ]
input = 1
"""
    lines = (GOOD + more).splitlines()
    found = problems(factory, GOOD + more)
    assert [p.split(":")[0] for p in found] == [
        str(lines.index('tokens = "lots"') + 1),
        str(lines.index('[ models.prices."some.model" ]') + 1),
    ]


def test_the_builders_data_is_of_twins_that_there_are(factory: Path) -> None:
    found = problems(factory, GOOD + '\ndevelopment = {jura = "acme-12"}\n')
    assert len(found) == 1
    assert "names 'jura', which is not in `twins.packs`" in found[0]


def test_missing_files_and_keys(factory: Path) -> None:
    (factory / "spec.md").unlink()
    found = problems(factory, GOOD.replace('command = "./tool"', "").replace("okta", "slack"))
    assert [p.split(":")[0] for p in found] == ["5", "3", "9"]
    assert "`product.command` is missing" in found[0]


def test_broken_toml_says_where(factory: Path) -> None:
    assert problems(factory, '[factory]\nspec = "x\n')[0].startswith("2: not valid TOML")


def test_no_factory_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="factory-tui init"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("5m", 300), ("2h", 7200), ("500ms", 0.5), (3, 3)]
)
def test_durations(text: object, seconds: float) -> None:
    assert duration(text) == seconds
