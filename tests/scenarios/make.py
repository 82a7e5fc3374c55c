"""Scenarios for tests, written as text and read as a file would be."""

from pathlib import Path

from factory_tui.scenarios import Scenario, parse

HEAD = """\
id: sample
title: A sample
persona: Priya, IT administrator
tags: [membership]
"""
STORY = "Somebody starts today."
STEPS = "1. run: `{{sut}} sync`"
CRITERIA = "- must fact: cmd[1].exit == 0\n  symptom: The program fails."


def text_of(
    front: str = "", *, story: str = STORY, steps: str = STEPS, criteria: str = CRITERIA
) -> str:
    head = HEAD
    for line in front.splitlines():
        key = line.partition(":")[0]
        if line[:1] not in (" ", "-"):
            head = "".join(h + "\n" for h in head.splitlines() if not h.startswith(f"{key}:"))
    front = front if not front or front.endswith("\n") else front + "\n"
    return (
        f"---\n{head}{front}---\n\n# Story\n\n{story}\n\n# Steps\n\n{steps}\n\n"
        f"# Satisfied when\n\n{criteria}\n"
    )


def problems_of(text: str) -> list[str]:
    return [str(p) for p in parse(text, Path("x.md"))[1]]


def scenario(front: str = "", **sections: str) -> Scenario:
    found, problems = parse(text_of(front, **sections), Path("x.md"))
    assert found is not None, "\n".join(map(str, problems))
    return found
