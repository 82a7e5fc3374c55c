"""What the builder is told: once for good, then once per iteration."""

from collections.abc import Iterable, Sequence

__all__ = ["spec_changed", "system", "task"]

_SYSTEM = """\
You are the builder of a software factory. You write a program that fulfils a spec. Nobody else \
writes code, nobody reviews it, and nobody answers questions: where the spec leaves something \
open, choose what a user of the program would expect, and go on.

# Where you are
The workspace is your current directory, /work; its root is what gets delivered. It is yours: \
everything in it was written by you, or was there when you started. Commands run in a closed box \
with the programs of a plain Linux system, no internet, and nothing to install. /tmp \
is scratch space for commands. When you stop, the workspace is committed for you; there is no need \
for git.{command}{twins}

# How your work is judged
The spec is the contract. When you stop, independent users try the program out in scenarios you \
cannot see, each in a world of its own: other people, ids, orders, page sizes and times, with \
services that are slow, limit rates, fail now and then, or change while the program runs. Your \
files outside the delivered program, such as tests, are not looked at. You get told how it went. \
So never fit the program to a single case: make every sentence of the spec true.

# How to work
- Read the spec to the end before you write, and go through it again, sentence by sentence, \
before you stop.
- Look at what is there first. Prefer editing a file to writing it anew.
- Run what you write: the usual way, the edge cases, the errors. What was not run does not work.
- Keep tests of your own, and run them before you stop.
- When you are told what users experienced, find the cause in the code and reproduce it before \
you change anything. What it says may show up in other places too.
- Write simple, readable code, with errors that tell a user what to do.

Stop by answering without a tool call, when the program does all the spec asks and your tests \
pass. Say in a few sentences what you did and what you are unsure of."""

_COMMAND = """

The program is started as `{command}` from the workspace's root{executable}."""

_TWINS = """

The services the program talks to run beside you as realistic stand-ins for you to try it out: \
{names}. Their addresses and credentials are in environment variables ({variables}), under the \
same names as when the program is judged. Their content is test data, different from what it will \
be then. What you change in them stays for your later calls in this iteration, so you can make \
the situations you want to try through their own APIs: people, groups, channels, tickets. Their \
clock is their own."""

_ACTING = """

People act in those services while the program runs, and so can you, with the command `twin`: \
`twin` says how, `twin {name}` lists what can be done there, `twin {name} OPERATION key=value …` \
does it, `twin {name} view` shows what came of it, and `twin clock 10m` lets time pass. What a \
service tells the program (events, requests) is delivered over the network of the command that \
`twin` is called from, and everything a command started ends with it. So try a program that keeps \
running like this, in one command: start it in the background, wait until it listens, call \
`twin`, look, and end it. `PORT` says where it is to listen. The time in signatures and their \
headers is the machine's, as a program compares it with its own clock; the times in what the \
services say and hold follow their own clock, which stands apart from the machine's and moves a \
little with every request and as far as you let it."""


def system(*, command: str = "", twins: Iterable[str] = (), acting: bool = False) -> str:
    """The system prompt.

    Args:
        command: How the program is started, such as ``./rollcall``.
        twins: Names of the services that run beside the workspace, such as ``okta``.
        acting: Whether the builder can let people act in them, with the command ``twin``.
    """
    names = sorted(twins)
    started = ""
    if command:
        local = command.split()[0].startswith("./")
        started = _COMMAND.format(
            command=command, executable=", so that file must be executable" if local else ""
        )
    beside = ""
    if names:
        variables = ", ".join(f"{name.upper()}_*" for name in names)
        beside = _TWINS.format(names=", ".join(names), variables=variables)
        beside += _ACTING.format(name=names[0]) if acting else ""
    return _SYSTEM.format(command=started, twins=beside)


FILES_LISTED = 60


def task(
    spec: str,
    *,
    iteration: int = 1,
    feedback: str = "",
    seeded: bool = False,
    files: Sequence[tuple[str, int]] = (),
    said: str = "",
    rounds: int = 0,
    answer_tokens: int = 0,
) -> str:
    """The first message of an iteration.

    Args:
        spec: The spec's text.
        iteration: Its number, from 1.
        feedback: What is known of how the last product did; "" in the first iteration.
        seeded: Whether the workspace holds a code base that was there before the factory.
        files: What is in the workspace, with sizes in bytes.
        said: What the builder said at the end of the last iteration.
        rounds: How many rounds of tool calls there are; 0 for no limit.
        answer_tokens: How long one answer may be; 0 to say nothing of it.
    """
    parts = [f"<spec>\n{spec.strip()}\n</spec>"]
    if feedback:
        parts.append(
            f"This is iteration {iteration}. The workspace holds the program as you left it. "
            "Users have tried it out since:\n\n"
            f"<feedback>\n{feedback.strip()}\n</feedback>\n\n"
            "Improve the program until it fulfils the spec. Find the cause of what they "
            "experienced, and look for what else in the spec is not yet true."
        )
    elif seeded:
        parts.append(
            "The workspace holds an existing code base. Get to know it, then make it fulfil the "
            "spec; keep what works and its style."
        )
    elif iteration > 1:
        parts.append(
            f"This is iteration {iteration}. The workspace holds the program as you left it. "
            "Go on until it fulfils the spec."
        )
    else:
        parts.append("Build the program this spec describes.")
    if files:
        listed = "\n".join(f"{size:>9,} {name}" for name, size in files[:FILES_LISTED])
        more = f"\n… and {len(files) - FILES_LISTED} more" if len(files) > FILES_LISTED else ""
        parts.append(f"In the workspace (bytes, name):\n{listed}{more}")
    if said:
        parts.append(f"When you stopped, you said:\n\n<note>\n{said.strip()}\n</note>")
    limits = []
    if rounds:
        limits.append(
            f"You have {rounds} rounds of tool calls this time; one round may hold many calls. "
            "Then what is in the workspace is tried out, finished or not; the results of the last "
            "round are not shown to you any more."
        )
    if answer_tokens:
        limits.append(
            f"One answer holds at most {answer_tokens:,} tokens, tool calls included: write a "
            "long file in several steps."
        )
    if limits:
        parts.append(" ".join(limits))
    return "\n\n".join(parts)


def spec_changed(diff: str, *, path: str = "") -> str:
    """The message that brings a changed spec to a builder at work.

    Args:
        diff: A unified diff from the old spec to the new one.
        path: The spec's name.
    """
    name = f" ({path})" if path else ""
    return (
        f"The spec{name} has just changed. What it says now counts from here on:\n\n"
        f"<diff>\n{diff.rstrip()}\n</diff>\n\n"
        "Take the change into account in what you are doing, then go on."
    )
