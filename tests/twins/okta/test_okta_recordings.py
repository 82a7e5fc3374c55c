"""Recorded traffic of real Okta orgs, replayed: status, error code and shape must agree.

The recordings are not part of this project; see ``replay.py`` for how they are replayed. The
table says per module how many interactions agree in the names at the top of the answer (and of a
list's first element), and how many down to the fourth level.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from .replay import RECORDINGS, Replay, lacking, parsed, recordings, shape

_GONE = {"status": 404, "message": "Resource not found"}
"""What another server answered after a recorded organisation had gone."""
_DEEP = 4

pytestmark = pytest.mark.skipif(not RECORDINGS.is_dir(), reason="the recordings are not here")


def judged(item: Any, answer: Any, recorded: Any, answered: Any, depth: int) -> str:
    """Why an answer does not agree with the recorded one; "" if it does."""
    status = item["response"]["status"]["code"]
    if answer.status != status:
        return f"{status} became {answer.status} {str(answered)[:300]}"
    if status >= 400:
        if recorded == _GONE:
            return "the organisation had gone"
        code = "errorCode" if "errorCode" in recorded else "error"
        if recorded.get(code) != answered.get(code):
            return f"{recorded.get(code)} became {answered.get(code)}"
        words = [str(body.get("errorSummary", "")) for body in (recorded, answered)]
        if words[0].split(":")[0] != words[1].split(":")[0]:
            return f"{words[0]} became {words[1]}"
        return ""
    if type(recorded) is not type(answered):
        return f"{str(recorded)[:80]} became {str(answered)[:80]}"
    return " ".join(lacking(shape(recorded, depth), shape(answered, depth)))


def test_recorded_traffic_agrees(open_okta: Callable[..., Any]) -> None:
    table: dict[str, Counter[str]] = {}
    differing: list[str] = []
    deeper: Counter[str] = Counter()
    crashes: list[str] = []
    for module, name, items in recordings():
        okta = open_okta(seeds={"okta": "empty"})
        replay = Replay(okta, items)
        replay.presume()
        row = table.setdefault(module, Counter())
        for number, item in enumerate(items):
            operation, answer, recorded, answered = replay.send(item)
            why = judged(item, answer, recorded, answered, 1)
            row["all"] += 1
            row["agree"] += not why
            if why:
                differing.append(f"{module} {name.partition('.')[2]}#{number} {operation}: {why}")
            else:
                deep = judged(item, answer, recorded, answered, _DEEP)
                row["deep"] += not deep
                for word in deep.split():
                    deeper[f"{operation} {word}"] += 1
        crashes += [f"{name}: {crash}" for crash in okta.universe.crashes]
    total: Counter[str] = sum(table.values(), Counter())
    for module, row in table.items():
        print(f"{module:48} {row['agree']:5} of {row['all']:5}, in depth {row['deep']:5}")
    print(f"{'all':48} {total['agree']:5} of {total['all']:5}, in depth {total['deep']:5}")
    print("\n".join(differing))
    print("\n".join(crashes))
    print("\nin depth:")
    print("\n".join(f"{count} {what}" for what, count in deeper.most_common(200)))
    assert crashes == []
    assert total["all"] == len([1 for *_, items in recordings() for _ in items])
    assert total["agree"] >= 0.97 * total["all"]


def test_a_wrong_answer_is_noticed() -> None:
    item = {"response": {"status": {"code": 200}}}

    class Answer:
        status = 200

    assert judged(item, Answer, {"id": "a", "name": "b"}, {"id": "c"}, 1) == "-name"
    assert judged(item, Answer, [{"id": 1}], [{"id": 2, "more": 3}], 1) == "+[].more"
    assert judged(item, Answer, {"a": {"b": 1}}, {"a": {"c": 1}}, 1) == ""
    assert judged(item, Answer, {"a": {"b": 1}}, {"a": {"c": 1}}, 2) == "+a.c -a.b"
    Answer.status = 404
    assert judged(item, Answer, {}, {}, 1).startswith("200 became 404")
    assert parsed("{") is None
