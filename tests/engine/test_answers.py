"""A model's answer that was paid for is not paid for again, wherever the process was killed."""

from decimal import Decimal
from pathlib import Path
from typing import Any

from factory_tui.engine.answers import Answers
from factory_tui.engine.money import tell_forfeits, warned_before
from factory_tui.llm import (
    ContentPart,
    Ledger,
    Limits,
    Message,
    Request,
    Response,
    Role,
    ThinkingData,
)
from factory_tui.store import RunRow, Store


def test_an_answer_is_found_again_by_its_very_request(tmp_path: Path) -> None:
    content: list[dict[str, Any]] = [
        {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
        {"type": "tool_use", "id": "t1", "name": "shell", "input": {"command": "ls"}},
    ]
    request = Request("m", [Message.user("Build.")], system="You build.", key="builder/1/build/1/0")
    with Store.open(tmp_path / "factory.db") as store:
        store.add_run(RunRow("r1"))
        Answers(store, "r1").keep(request, Response("id", "m", content, "tool_use"))
        found = Answers(store, "r1").find(request)
        assert found is not None
        assert (found.content, found.stop_reason, found.id) == (content, "tool_use", "id")
        other = Request("m", [Message.user("Other.")], system="You build.", key=request.key)
        assert Answers(store, "r1").find(other) is None
        later = Request("m", [Message.user("Build.")], key="builder/1/build/1/1")
        Answers(store, "r1").keep(later, Response("id2", "m", content, "end_turn"))
        assert Answers(store, "r1").find(request) is None


def test_other_providers_answers_go_back_as_they_came(tmp_path: Path) -> None:
    thought = ThinkingData("Hm.", "encrypted")
    message = Message(
        Role.ASSISTANT,
        [ContentPart("thinking", thinking=thought), ContentPart("text", text="Done.")],
    )
    request = Request("gpt", [Message.user("Build.")], key="builder/1/build/1/0")
    with Store.open(tmp_path / "factory.db") as store:
        store.add_run(RunRow("r1"))
        answer = Response(message=message, provider="openai", stop_reason="end_turn")
        Answers(store, "r1").keep(request, answer)
        found = Answers(store, "r1").find(request)
        assert found is not None
        assert found.provider == "openai"
        assert found.message == message


def test_a_restart_tells_what_it_lost_and_what_was_warned_of(tmp_path: Path) -> None:
    with Store.open(tmp_path / "factory.db") as store:
        store.add_run(RunRow("r1"))
        store.book("r1").open(
            role="builder", model="m", key="k", tokens=70, usd=Decimal("0.5"), node="build"
        )
        told: list[tuple[str, dict[str, Any]]] = []
        tell_forfeits(store, "r1", lambda kind, data: told.append((kind, data)))
        ((kind, data),) = told
        assert (kind, data["state"], data["tokens"], data["usd"]) == (
            "spend",
            "forfeited",
            70,
            "0.5",
        )
        assert (data["node"], data["spent_tokens"], data["held_tokens"]) == ("build", 70, 0)
        tell_forfeits(store, "r1", lambda kind, data: told.append((kind, data)))
        assert len(told) == 1

        store.append("r1", "budget.warned", {"percent": 75, "of": "tokens"})
        warned = warned_before(store, "r1")
        said: list[str] = []
        limits = Limits(tokens=90, warn=(0.75, 0.9))
        ledger = Ledger(store.book("r1"), limits, lambda k, d: said.append(k), warned=warned)
        ledger.set_limits(limits)
        assert said == []
        ledger.set_limits(Limits(tokens=75, warn=(0.75, 0.9)))
        assert said == ["budget.warned"]


def test_judges_and_users_are_asked_anew(tmp_path: Path) -> None:
    request = Request("m", [Message.user("?")], role="judge", key="judge/1/a/1/0")
    with Store.open(tmp_path / "factory.db") as store:
        store.add_run(RunRow("r1"))
        Answers(store, "r1").keep(request, Response("id", "m", [], "end_turn"))
        assert Answers(store, "r1").find(request) is None
