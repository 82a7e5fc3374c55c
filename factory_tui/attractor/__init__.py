"""Pipelines as directed graphs in DOT: parse, lint, style, run, resume.

An implementation of the Attractor specification under its own names. It knows no model, no agent
and no screen: a backend answers prompts, an interviewer reaches people, handlers do the rest.
"""

from typing import TYPE_CHECKING, Any

from factory_tui.attractor.artifacts import ArtifactInfo, ArtifactStore
from factory_tui.attractor.checkpoint import Checkpoint, CheckpointError, load_checkpoint
from factory_tui.attractor.conditions import (
    Clause,
    ConditionError,
    evaluate_clause,
    evaluate_condition,
    parse_condition,
    parse_literal,
    resolve_key,
)
from factory_tui.attractor.context import Context
from factory_tui.attractor.dot import DotSyntaxError, parse_dot, to_dot
from factory_tui.attractor.engine import PipelineRunner, run_pipeline
from factory_tui.attractor.events import (
    CheckpointSaved,
    InterviewCompleted,
    InterviewStarted,
    InterviewTimeout,
    ParallelBranchCompleted,
    ParallelBranchStarted,
    ParallelCompleted,
    ParallelStarted,
    PipelineCompleted,
    PipelineEvent,
    PipelineFailed,
    PipelineRestarted,
    PipelineStarted,
    StageCompleted,
    StageFailed,
    StageRetrying,
    StageStarted,
)
from factory_tui.attractor.fidelity import (
    FidelityMode,
    preamble,
    resolve_fidelity,
    resolve_thread,
)
from factory_tui.attractor.handlers import (
    BranchResult,
    CodergenBackend,
    CodergenHandler,
    ConditionalHandler,
    ExitHandler,
    FanInHandler,
    Handler,
    HandlerRegistry,
    ManagerLoopHandler,
    ParallelHandler,
    StartHandler,
    ToolHandler,
    ToolResult,
    WaitForHumanHandler,
    heuristic_select,
    run_shell_command,
)
from factory_tui.attractor.hooks import ToolCallSkipped, ToolHooks
from factory_tui.attractor.interviewer import (
    Answer,
    AnswerValue,
    AutoApproveInterviewer,
    CallbackInterviewer,
    ConsoleInterviewer,
    Interviewer,
    Option,
    Question,
    QuestionType,
    QueueInterviewer,
    RecordingInterviewer,
    ask_with_timeout,
    find_matching_option,
)
from factory_tui.attractor.lint import (
    BUILT_IN_RULES,
    Diagnostic,
    LintRule,
    Severity,
    ValidationError,
    validate,
    validate_or_raise,
)
from factory_tui.attractor.model import (
    SHAPE_TO_TYPE,
    Duration,
    Edge,
    Graph,
    Node,
    Position,
    parse_duration,
)
from factory_tui.attractor.outcome import Outcome, StageStatus, read_status, write_status
from factory_tui.attractor.pending import PendingInterviewer, PendingQuestion, UnknownQuestion
from factory_tui.attractor.retry import (
    RETRY_POLICIES,
    BackoffConfig,
    RetryPolicy,
    build_retry_policy,
    delay_for_attempt,
    should_retry,
)
from factory_tui.attractor.routing import (
    best_by_weight_then_lexical,
    check_goal_gates,
    get_retry_target,
    normalize_label,
    parse_accelerator_key,
    select_edge,
)
from factory_tui.attractor.run import PipelineOutcome, mirror_graph_attributes
from factory_tui.attractor.stylesheet import (
    StyleRule,
    StylesheetError,
    apply_stylesheet,
    parse_stylesheet,
)
from factory_tui.attractor.svg import render_svg
from factory_tui.attractor.trace import Trace, current_trace
from factory_tui.attractor.transforms import (
    StylesheetTransform,
    Transform,
    VariableExpansionTransform,
    apply_transforms,
    expand_variables,
    prepare_pipeline,
)

if TYPE_CHECKING:
    from factory_tui.attractor.server import PipelineServer, Serving, serve_pipelines

__all__ = [
    "BUILT_IN_RULES",
    "RETRY_POLICIES",
    "SHAPE_TO_TYPE",
    "Answer",
    "AnswerValue",
    "ArtifactInfo",
    "ArtifactStore",
    "AutoApproveInterviewer",
    "BackoffConfig",
    "BranchResult",
    "CallbackInterviewer",
    "Checkpoint",
    "CheckpointError",
    "CheckpointSaved",
    "Clause",
    "CodergenBackend",
    "CodergenHandler",
    "ConditionError",
    "ConditionalHandler",
    "ConsoleInterviewer",
    "Context",
    "Diagnostic",
    "DotSyntaxError",
    "Duration",
    "Edge",
    "ExitHandler",
    "FanInHandler",
    "FidelityMode",
    "Graph",
    "Handler",
    "HandlerRegistry",
    "InterviewCompleted",
    "InterviewStarted",
    "InterviewTimeout",
    "Interviewer",
    "LintRule",
    "ManagerLoopHandler",
    "Node",
    "Option",
    "Outcome",
    "ParallelBranchCompleted",
    "ParallelBranchStarted",
    "ParallelCompleted",
    "ParallelHandler",
    "ParallelStarted",
    "PendingInterviewer",
    "PendingQuestion",
    "PipelineCompleted",
    "PipelineEvent",
    "PipelineFailed",
    "PipelineOutcome",
    "PipelineRestarted",
    "PipelineRunner",
    "PipelineServer",
    "PipelineStarted",
    "Position",
    "Question",
    "QuestionType",
    "QueueInterviewer",
    "RecordingInterviewer",
    "RetryPolicy",
    "Serving",
    "Severity",
    "StageCompleted",
    "StageFailed",
    "StageRetrying",
    "StageStarted",
    "StageStatus",
    "StartHandler",
    "StyleRule",
    "StylesheetError",
    "StylesheetTransform",
    "ToolCallSkipped",
    "ToolHandler",
    "ToolHooks",
    "ToolResult",
    "Trace",
    "Transform",
    "UnknownQuestion",
    "ValidationError",
    "VariableExpansionTransform",
    "WaitForHumanHandler",
    "apply_stylesheet",
    "apply_transforms",
    "ask_with_timeout",
    "best_by_weight_then_lexical",
    "build_retry_policy",
    "check_goal_gates",
    "current_trace",
    "delay_for_attempt",
    "evaluate_clause",
    "evaluate_condition",
    "expand_variables",
    "find_matching_option",
    "get_retry_target",
    "heuristic_select",
    "load_checkpoint",
    "mirror_graph_attributes",
    "normalize_label",
    "parse_accelerator_key",
    "parse_condition",
    "parse_dot",
    "parse_duration",
    "parse_literal",
    "parse_stylesheet",
    "preamble",
    "prepare_pipeline",
    "read_status",
    "render_svg",
    "resolve_fidelity",
    "resolve_key",
    "resolve_thread",
    "run_pipeline",
    "run_shell_command",
    "select_edge",
    "serve_pipelines",
    "should_retry",
    "to_dot",
    "validate",
    "validate_or_raise",
    "write_status",
]


def __getattr__(name: str) -> Any:
    # The HTTP server is imported when it is asked for: most runs never need its library.
    if name in ("PipelineServer", "Serving", "serve_pipelines"):
        from factory_tui.attractor import server

        return getattr(server, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
