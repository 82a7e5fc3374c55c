"""``[twins.development]``: what the builder's own twins hold, and a builder that acts in them."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from factory_tui.agent import prompts
from factory_tui.config import ConfigError, load
from factory_tui.engine.check import check_factory
from factory_tui.engine.inputs import data_problem
from factory_tui.engine.launch import BadInput, RunOptions, create_run
from tests.engine.conftest import GOOD, ROOT, Running, call, played, text

KUDOS = ROOT / "tests" / "examples" / "kudos"
SETUP = """
[twins.development.slack]
data = "acme-12"
setup = [
  { add_users = [{ as = "ben", first = "Ben", last = "Ruiz", email = "ben@acme.example" }] },
  { set_channel = { name = "general", members = ["any:everyone:1", "{{ben.email}}"] } },
  { configure_app = { url = "http://127.0.0.1:8080/slack/events", events = ["message.channels"] } },
]
"""
TRY = """python3 - <<'END' > bot.py
import base64; print(base64.b64decode("%s").decode())
END
python3 bot.py serve & sleep 2
env | grep -c -e ^SLACK_SIGNING_SECRET= -e ^PORT=8080
twin slack say user=any:everyone:1 channel=general 'text=Thanks <@{{ben.id}}>'
twin slack view messages | tail -1
rm bot.py; kill %%1"""


def configured(folder: Path, more: str) -> Path:
    toml = folder / "factory.toml"
    toml.write_text(toml.read_text() + more)
    return folder


def line_of(folder: Path, words: str) -> int:
    text = (folder / "factory.toml").read_text()
    return text.count("\n", 0, text.index(words)) + 1


def test_a_builder_lets_people_write_to_its_bot(
    folder: Path, start: Callable[..., Running], tmp_path: Path, settings: object
) -> None:
    """The settings reach the builder's box: its bot is told of what somebody says, and answers."""
    import base64

    configured(folder, SETUP)
    command = TRY % base64.b64encode(KUDOS.read_bytes()).decode()
    answers = [
        [call("write_file", file_path="tool", content=GOOD)],
        [call("shell", command=f"chmod +x tool; {command}")],
        [text("Done.")],
    ]
    run = start(recording=str(played(tmp_path / "r.jsonl", {"1/build/1": answers})))
    assert run.finished().data["status"] == "satisfied"
    contexts = run.store.contexts(run.id)
    told = str([t.payload for context in contexts for t in run.store.turns(context.id)])
    assert "the command `twin`" in told
    assert "told: message to http://127.0.0.1:8080/slack/events: 200" in told, told
    assert "called: slack chat.postMessage: 200" in told
    assert "has 1 kudos" in told
    shell = next(e for e in run.events("agent.tool") if e.data["tool"] == "shell")
    assert shell.data["detail"].startswith("2\n"), shell.data["detail"]


def test_the_prompt_tells_of_it_only_where_it_is(folder: Path) -> None:
    plain = prompts.system(command="./tool", twins=["slack"])
    acting = prompts.system(command="./tool", twins=["slack"], acting=True)
    assert "`twin" not in plain and "`twin slack OPERATION key=value …`" in acting
    assert "signatures" in acting and "machine's" in acting
    assert load(folder).development_setup is None
    assert prompts.system(command="./tool", acting=True) == prompts.system(command="./tool")


def test_set_up_operations_are_read_with_their_lines(folder: Path) -> None:
    settings = load(configured(folder, SETUP))
    lines = (folder / "factory.toml").read_text().splitlines()
    assert settings.development == {"slack": "acme-12"}
    assert settings.development_setup is not None
    for each in settings.development_setup:
        assert each.op in lines[each.line - 1]
    assert data_problem(settings) == ""


def test_the_short_form_and_one_table_mean_the_same(folder: Path) -> None:
    settings = load(
        configured(
            folder,
            '[twins.development]\nslack = {setup = {add_token = {scopes = ["chat:write"]}}}\n',
        )
    )
    assert settings.development == {"slack": "empty"}
    assert settings.development_setup is not None
    assert [(each.op, each.line) for each in settings.development_setup] == [
        ("add_token", line_of(folder, "add_token"))
    ]
    assert data_problem(settings) == ""


@pytest.mark.parametrize(
    ("old", "new", "op", "sentence"),
    [
        ("acme-12", "acme-13", "", "the data set 'acme-13', which it does not have"),
        (
            "set_channel",
            "set_chanel",
            "set_chan",
            "no operation `set_chanel`; did you mean `set_channel`",
        ),
        ("members =", "people =", "set_chan", "unknown key `people` in `set_channel`"),
        ('name = "general"', 'name = "nowhere"', "set_chan", "slack has no channel nowhere"),
        ("{{ben.email}}", "{{eve.email}}", "set_chan", "nothing is called `eve`"),
        ("any:everyone:1", "any:everyone:99", "set_chan", "everyone"),
    ],
)
def test_what_cannot_be_done_is_said_with_its_line(
    folder: Path, old: str, new: str, op: str, sentence: str
) -> None:
    assert old in SETUP
    said = data_problem(load(configured(folder, SETUP.replace(old, new, 1))))
    where = f":{line_of(folder, op)}:" if op else ":"
    assert said.startswith(f"{folder / 'factory.toml'}{where} `twins.development"), said
    assert sentence in said and "\n" not in said, said


def test_a_check_of_the_factory_says_it_and_a_run_does_not_start(folder: Path) -> None:
    settings = load(configured(folder, SETUP.replace("set_channel", "set_chanel")))
    said: list[str] = []
    assert check_factory(settings, dynamic=False, out=said.append) == 2
    where = f"{folder / 'factory.toml'}:{line_of(folder, 'set_chanel')}:"
    assert said[-1].startswith(where) and "did you mean `set_channel`" in said[-1]
    with pytest.raises(BadInput, match="set_chanel"):
        create_run(settings, RunOptions(recording="r.jsonl"))


@pytest.mark.parametrize(
    ("toml", "sentence"),
    [
        ("[twins.development.slack]\nseed = 1\n", "has the unknown key 'seed' for 'slack'"),
        ("[twins.development.slack]\ndata = 1\n", "gives 'slack' no data set"),
        ('[twins.development.slack]\nsetup = ["say"]\n', "needs operations in `setup` of 'slack'"),
        ('[twins.development.jira]\ndata = "empty"\n', "names 'jira', which is not in"),
        ("[twins.development]\nslack = 3\n", "gives 'slack' no data set"),
    ],
)
def test_what_is_no_such_setting_is_said_with_its_line(
    folder: Path, toml: str, sentence: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(configured(folder, toml))
    assert len(caught.value.problems) == 1
    assert caught.value.problems[0].startswith(
        f"{folder / 'factory.toml'}:{line_of(folder, '[twins.dev')}: `twins.development`"
    )
    assert sentence in caught.value.problems[0]


def test_the_example_sets_its_builder_up(tmp_path: Path) -> None:
    settings = load(ROOT / "examples" / "kudos")
    assert settings.development_setup
    assert data_problem(settings) == ""
    # As somebody would copy it.
    shutil.copytree(ROOT / "examples" / "kudos", tmp_path / "kudos")
    toml = tmp_path / "kudos" / "factory.toml"
    toml.write_text(toml.read_text().replace("../../twins", str(ROOT / "twins")))
    assert data_problem(load(tmp_path / "kudos")) == ""
