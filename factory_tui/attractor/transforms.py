"""Steps that rewrite a graph between parsing and validation. Section 9 of the specification."""

from collections.abc import Callable, Iterable
from typing import Protocol

from factory_tui.attractor.context import Context
from factory_tui.attractor.dot import parse_dot
from factory_tui.attractor.lint import Diagnostic, LintRule, validate
from factory_tui.attractor.model import Graph
from factory_tui.attractor.stylesheet import StylesheetError, apply_stylesheet

__all__ = [
    "BUILT_IN_TRANSFORMS",
    "StylesheetTransform",
    "Transform",
    "TransformLike",
    "VariableExpansionTransform",
    "apply_transforms",
    "expand_variables",
    "prepare_pipeline",
]


class Transform(Protocol):
    """Rewrites a graph; gives a new one and leaves its argument alone."""

    def apply(self, graph: Graph) -> Graph:
        """Rewrite ``graph``."""
        ...


TransformLike = Transform | Callable[[Graph], Graph]
"""A transform, or a plain function that does the same."""


def expand_variables(text: str, graph: Graph, context: Context | None = None) -> str:
    """Replace ``$goal`` by the graph's goal; there are no other variables.

    ``context`` is part of the specification's signature; nothing is read from it.
    """
    return text.replace("$goal", graph.goal)


class VariableExpansionTransform:
    """Expands ``$goal`` in prompts."""

    def apply(self, graph: Graph) -> Graph:
        """Return a graph with expanded prompts."""
        expanded = graph.copy()
        for node in expanded.nodes.values():
            if "$goal" in node.prompt:
                node.attrs["prompt"] = expand_variables(node.prompt, graph)
        return expanded


class StylesheetTransform:
    """Applies ``model_stylesheet``; a broken one is left for validation to report."""

    def apply(self, graph: Graph) -> Graph:
        """Return a graph whose nodes carry their model attributes."""
        try:
            return apply_stylesheet(graph)
        except StylesheetError:
            return graph


BUILT_IN_TRANSFORMS: tuple[Transform, ...] = (StylesheetTransform(), VariableExpansionTransform())


def apply_transforms(graph: Graph, custom: Iterable[TransformLike] = ()) -> Graph:
    """Apply the built-in transforms, then ``custom`` ones in their order."""
    for transform in (*BUILT_IN_TRANSFORMS, *custom):
        graph = transform(graph) if callable(transform) else transform.apply(graph)
    return graph


def prepare_pipeline(
    dot_source: str,
    transforms: Iterable[TransformLike] = (),
    *,
    extra_rules: Iterable[LintRule] = (),
    path: str = "",
) -> tuple[Graph, list[Diagnostic]]:
    """Parse, transform and validate a pipeline.

    Raises:
        DotSyntaxError: The source cannot be parsed.
    """
    graph = apply_transforms(parse_dot(dot_source, path=path), transforms)
    return graph, validate(graph, extra_rules)
