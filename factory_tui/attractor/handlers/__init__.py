"""What runs a node: the handler protocol, its registry and the handlers that come with it."""

from factory_tui.attractor.handlers.basic import ConditionalHandler, ExitHandler, StartHandler
from factory_tui.attractor.handlers.codergen import CodergenBackend, CodergenHandler
from factory_tui.attractor.handlers.fan_in import FanInHandler, heuristic_select
from factory_tui.attractor.handlers.human import WaitForHumanHandler
from factory_tui.attractor.handlers.manager import ManagerLoopHandler
from factory_tui.attractor.handlers.parallel import BranchResult, ParallelHandler
from factory_tui.attractor.handlers.registry import Handler, HandlerRegistry
from factory_tui.attractor.handlers.tool import ToolHandler, ToolResult, run_shell_command

__all__ = [
    "BranchResult",
    "CodergenBackend",
    "CodergenHandler",
    "ConditionalHandler",
    "ExitHandler",
    "FanInHandler",
    "Handler",
    "HandlerRegistry",
    "ManagerLoopHandler",
    "ParallelHandler",
    "StartHandler",
    "ToolHandler",
    "ToolResult",
    "WaitForHumanHandler",
    "heuristic_select",
    "run_shell_command",
]
