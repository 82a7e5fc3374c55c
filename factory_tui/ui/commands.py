"""Every action by name: the palette's entries, and the verbs of the command line."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from textual.command import DiscoveryHit, Hit, Hits, Provider

if TYPE_CHECKING:
    from factory_tui.ui.app import FactoryApp

__all__ = ["VERBS", "ActionProvider", "completions", "run_command"]

VERBS: Final = {
    "answer": "answer CHOICE: answer what this run's pipeline asks",
    "budget": "edit this run's budget",
    "fleet": "all runs",
    "help": "keys and words",
    "pause": "pause this run",
    "pipeline": "this run's pipeline, with its live node",
    "quit": "leave; runs go on",
    "resume": "let this run go on",
    "retry": "retry SCENARIO [N]: more trials of one scenario",
    "run": "run ID: open a run",
    "scenario": "scenario ID: open a scenario of this run",
    "spec": "edit this run's spec",
    "start": "start a new run",
    "stop": "stop this run (asks)",
}
"""What the command line understands; the same names as the program's subcommands."""


def completions(app: FactoryApp, run_id: str, typed: str) -> list[str]:
    """The command lines that a beginning may become: verbs, then the ids that they take."""
    verb, blank, rest = typed.partition(" ")
    if not blank:
        return [name for name in VERBS if name.startswith(verb)]
    match verb:
        case "run" | "attach":
            known = list(app.fleet.facts)
        case "answer":
            question = app.fleet.run(run_id or app.current_run).questions.first
            known = [] if question is None else [option.key for option in question.options]
        case "scenario" | "retry":
            known = sorted(app.fleet.run(run_id or app.current_run).grid.scenarios)
        case _:
            known = []
    return [f"{verb} {ident}" for ident in known if ident.startswith(rest)]


class ActionProvider(Provider):
    """Lists every key that works on the present screen as a command."""

    def _actions(self) -> list[tuple[str, str, Callable[[], Any]]]:
        found: dict[str, tuple[str, str, Callable[[], Any]]] = {}
        for active in self.screen.active_bindings.values():
            binding = active.binding
            if not binding.description or not active.enabled or binding.action in found:
                continue
            key = self.app.get_key_display(binding)
            help_text = binding.tooltip or f"key {key}"
            better = getattr(self.screen, "name_action", None)
            name = binding.description
            if better is not None:
                name, possible = better(binding.action, name)
                if not (possible and name):
                    continue
            run = partial(self.app.run_action, binding.action, active.node)
            found[binding.action] = (f"{name}  ({key})", help_text, run)
        # What does something comes before what only moves the cursor.
        return sorted(found.values(), key=lambda item: (item[1].startswith("key "), item[:2]))

    async def discover(self) -> Hits:
        """All actions."""
        for name, help_text, run in self._actions():
            yield DiscoveryHit(name, run, help=help_text)

    async def search(self, query: str) -> Hits:
        """The actions that match."""
        matcher = self.matcher(query)
        for name, help_text, run in self._actions():
            if (score := matcher.match(name)) > 0:
                yield Hit(score, matcher.highlight(name), run, help=help_text)


def run_command(app: FactoryApp, run_id: str, line: str) -> str:
    """Do what a line of the command prompt says.

    Args:
        app: where it is done.
        run_id: the run that is looked at; "" for none.
        line: a verb of :data:`VERBS` and its arguments.

    Returns:
        "" or one sentence that says why it was not done.
    """
    verb, *args = line.split() or [""]
    match verb:
        case "":
            return ""
        case "fleet" | "runs":
            app.open_fleet()
        case "help":
            app.action_help()
        case "quit" | "q":
            app.action_leave()
        case "start":
            app.action_start()
        case "run" | "attach":
            found = [ident for ident in app.fleet.facts if args and ident.startswith(args[0])]
            if len(found) != 1:
                return f"run ID: {'no' if not found else 'more than one'} run of that id"
            app.open_run(found[0])
        case _ if verb not in VERBS:
            return f"{verb}: unknown; try {', '.join(VERBS)}"
        case _ if not run_id:
            return f"{verb}: open or select a run first"
        case "pipeline":
            app.open_pipeline(run_id)
        case "answer":
            return _answer(app, run_id, args)
        case "pause":
            app.request(run_id, "pause")
        case "resume":
            app.request(run_id, "resume")
        case "stop":
            app.ask_stop(run_id)
        case "budget":
            app.open_budget(run_id)
        case "spec":
            app.open_spec_of(run_id)
        case "scenario" | "retry":
            return _scenario(app, run_id, verb, args)
    return ""


def _answer(app: FactoryApp, run_id: str, args: list[str]) -> str:
    question = app.fleet.run(run_id).questions.first
    if question is None:
        return "answer: nothing is asked"
    if not args:
        app.open_answer(run_id)
        return ""
    choice = " ".join(args)
    found = question.option(choice)
    if not question.free and found is None:
        keys = ", ".join(f"{o.key} ({o.label})" for o in question.options)
        return f"answer CHOICE: one of {keys}"
    app.request(run_id, "answer", {"question": question.id, "choice": choice})
    return ""


def _scenario(app: FactoryApp, run_id: str, verb: str, args: list[str]) -> str:
    known = app.fleet.run(run_id).grid.scenarios
    if not args or args[0] not in known:
        return f"{verb} SCENARIO: one of {', '.join(known) or 'none yet'}"
    if verb == "scenario":
        app.open_scenario(run_id, args[0])
        return ""
    count = args[1] if len(args) > 1 else "3"
    if not count.isdigit() or not 1 <= int(count) <= 100:
        return "retry SCENARIO N: N is a number from 1 to 100"
    app.request(run_id, "retry", {"scenario": args[0], "trials": int(count)})
    return ""
