"""What a running pipeline tells its observers. Section 9.6 of the Attractor specification."""

from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = [
    "CheckpointSaved",
    "InterviewCompleted",
    "InterviewStarted",
    "InterviewTimeout",
    "ParallelBranchCompleted",
    "ParallelBranchStarted",
    "ParallelCompleted",
    "ParallelStarted",
    "PipelineCompleted",
    "PipelineEvent",
    "PipelineFailed",
    "PipelineRestarted",
    "PipelineStarted",
    "StageCompleted",
    "StageFailed",
    "StageRetrying",
    "StageStarted",
]


@dataclass(frozen=True, slots=True)
class PipelineEvent:
    """Something that happened; durations and delays are in seconds."""

    @property
    def kind(self) -> str:
        """The event's name in the specification, such as ``StageStarted``."""
        return type(self).__name__

    @property
    def description(self) -> str:
        """The event as one line."""
        shown = (f"{key}={value}" for key, value in asdict(self).items() if value not in ("", None))
        return f"{self.kind} {' '.join(shown)}".strip()

    def to_json(self) -> dict[str, Any]:
        """The event's kind and fields."""
        return {"kind": self.kind, **asdict(self)}


@dataclass(frozen=True, slots=True)
class PipelineStarted(PipelineEvent):
    """The pipeline begins, or goes on from a checkpoint."""

    name: str
    id: str
    resumed: bool = False


@dataclass(frozen=True, slots=True)
class PipelineCompleted(PipelineEvent):
    """The pipeline succeeded."""

    duration: float
    artifact_count: int = 0


@dataclass(frozen=True, slots=True)
class PipelineFailed(PipelineEvent):
    """The pipeline failed."""

    error: str
    duration: float


@dataclass(frozen=True, slots=True)
class PipelineRestarted(PipelineEvent):
    """An edge with ``loop_restart`` began the run anew in a fresh directory."""

    at: str
    count: int


@dataclass(frozen=True, slots=True)
class StageStarted(PipelineEvent):
    """A node begins; ``index`` counts executions from 0."""

    name: str
    index: int
    handler: str = ""


@dataclass(frozen=True, slots=True)
class StageCompleted(PipelineEvent):
    """A node ended without failing."""

    name: str
    index: int
    duration: float
    status: str = "success"
    notes: str = ""


@dataclass(frozen=True, slots=True)
class StageFailed(PipelineEvent):
    """An attempt of a node failed."""

    name: str
    index: int
    error: str
    will_retry: bool


@dataclass(frozen=True, slots=True)
class StageRetrying(PipelineEvent):
    """A node is tried again after ``delay``; ``attempt`` is the number of the coming one."""

    name: str
    index: int
    attempt: int
    delay: float


@dataclass(frozen=True, slots=True)
class ParallelStarted(PipelineEvent):
    """Branches are about to run."""

    branch_count: int
    node: str = ""


@dataclass(frozen=True, slots=True)
class ParallelBranchStarted(PipelineEvent):
    """A branch begins."""

    branch: str
    index: int


@dataclass(frozen=True, slots=True)
class ParallelBranchCompleted(PipelineEvent):
    """A branch ended."""

    branch: str
    index: int
    duration: float
    success: bool


@dataclass(frozen=True, slots=True)
class ParallelCompleted(PipelineEvent):
    """All branches ended or were called off."""

    duration: float
    success_count: int
    failure_count: int


@dataclass(frozen=True, slots=True)
class InterviewStarted(PipelineEvent):
    """A person is asked."""

    question: str
    stage: str
    options: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class InterviewCompleted(PipelineEvent):
    """A person answered."""

    question: str
    answer: str
    duration: float


@dataclass(frozen=True, slots=True)
class InterviewTimeout(PipelineEvent):
    """Nobody answered in time."""

    question: str
    stage: str
    duration: float


@dataclass(frozen=True, slots=True)
class CheckpointSaved(PipelineEvent):
    """The state after a node is on disk."""

    node_id: str
