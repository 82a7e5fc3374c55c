"""Block Kit: what slack_sdk's models build is taken, and Slack's words about the rest."""

from typing import Any

import pytest
from slack_sdk.models import blocks as sdk
from slack_sdk.models.blocks import RichTextElementParts as Parts
from slack_sdk.models.blocks.block_elements import FileInputElement

_OPTIONS = [sdk.Option(value="a", text="A"), sdk.Option(value="b", text="B")]
_RICH = {
    "type": "rich_text",
    "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "x"}]}],
}
_CONFIRM = sdk.ConfirmObject(title="Sure?", text="*really*", confirm="Yes", deny="No")
_ACTIONS = [
    sdk.ButtonElement(text="Go", action_id="go", value="1", style="primary", confirm=_CONFIRM),
    sdk.StaticSelectElement(placeholder="p", options=_OPTIONS, action_id="s"),
    sdk.ExternalDataSelectElement(placeholder="p", action_id="e", min_query_length=2),
    sdk.UserSelectElement(placeholder="p", action_id="u"),
    sdk.ConversationSelectElement(
        placeholder="p", action_id="c", filter=sdk.ConversationFilter(include=["im", "public"])
    ),
    sdk.ChannelSelectElement(placeholder="p", action_id="ch"),
    sdk.OverflowMenuElement(options=_OPTIONS, action_id="o"),
    sdk.DatePickerElement(placeholder="p", initial_date="2026-03-02", action_id="d"),
    sdk.TimePickerElement(placeholder="p", initial_time="09:30", action_id="t"),
    sdk.DateTimePickerElement(initial_date_time=1_772_442_000, action_id="dt"),
    sdk.RadioButtonsElement(options=_OPTIONS, action_id="r", initial_option=_OPTIONS[0]),
    sdk.CheckboxesElement(options=_OPTIONS, action_id="x", initial_options=[_OPTIONS[1]]),
    sdk.StaticMultiSelectElement(placeholder="p", options=_OPTIONS, action_id="ms"),
    sdk.UserMultiSelectElement(placeholder="p", action_id="mu", max_selected_items=2),
]
_INPUTS = [
    sdk.PlainTextInputElement(action_id="i", multiline=True, max_length=50),
    sdk.EmailInputElement(action_id="i"),
    sdk.UrlInputElement(action_id="i"),
    sdk.NumberInputElement(action_id="i", is_decimal_allowed=False, min_value=1, max_value=3),
    sdk.RichTextInputElement(action_id="i"),
    FileInputElement(action_id="i", filetypes=["csv"], max_files=2),
    sdk.ChannelMultiSelectElement(placeholder="p", action_id="i"),
]
_MESSAGE = [
    sdk.HeaderBlock(text="Report"),
    sdk.SectionBlock(text="*2* changes", accessory=_ACTIONS[0]),
    sdk.SectionBlock(fields=["a", "b"]),
    sdk.DividerBlock(),
    sdk.ImageBlock(image_url="https://x.example/a.png", alt_text="a", title="t"),
    sdk.ActionsBlock(elements=_ACTIONS),
    sdk.ContextBlock(
        elements=[
            sdk.ImageElement(image_url="https://x.example/a.png", alt_text="a"),
            sdk.MarkdownTextObject(text="_m_"),
            sdk.PlainTextObject(text="p"),
        ]
    ),
    sdk.ContextActionsBlock(
        elements=[
            sdk.FeedbackButtonsElement(
                action_id="f",
                positive_button=sdk.FeedbackButtonObject(text="+", value="1"),
                negative_button=sdk.FeedbackButtonObject(text="-", value="0"),
            ),
            sdk.IconButtonElement(icon="trash", text="Delete", action_id="ib"),
        ]
    ),
    sdk.MarkdownBlock(text="# Title"),
    sdk.VideoBlock(
        alt_text="a",
        video_url="https://v.example/1",
        thumbnail_url="https://v.example/t",
        title="v",
    ),
    sdk.TableBlock(
        rows=[[{"type": "raw_text", "text": "a"}, _RICH]], column_settings=[{"align": "right"}]
    ),
    sdk.TaskCardBlock(task_id="1", title="t", status="in_progress", details=_RICH),
    sdk.PlanBlock(
        title="plan", tasks=[{"type": "task_card", "task_id": "1", "title": "t", "status": "error"}]
    ),
    sdk.CardBlock(title="t", body="b", actions=[_ACTIONS[0]]),
    sdk.CarouselBlock(elements=[sdk.CardBlock(title="t")]),
    sdk.ContainerBlock(title="c", child_blocks=[sdk.SectionBlock(text="x")]),
    sdk.RichTextBlock(
        elements=[
            sdk.RichTextSectionElement(
                elements=[
                    Parts.Text(text="x", style=Parts.TextStyle(bold=True)),
                    Parts.Link(url="https://x.example", text="x"),
                    Parts.User(user_id="U1"),
                    Parts.Channel(channel_id="C1"),
                    Parts.UserGroup(usergroup_id="S1"),
                    Parts.Emoji(name="eyes"),
                    Parts.Broadcast(range="here"),
                    Parts.Color(value="#ff0000"),
                    Parts.Date(timestamp=1_772_442_000, format="{date}", fallback="then"),
                ]
            ),
            sdk.RichTextListElement(
                style="ordered",
                indent=1,
                elements=[sdk.RichTextSectionElement(elements=[Parts.Text(text="x")])],
            ),
            sdk.RichTextQuoteElement(elements=[Parts.Text(text="q")]),
            sdk.RichTextPreformattedElement(elements=[Parts.Text(text="c")]),
        ]
    ),
]


@pytest.mark.parametrize("block", _MESSAGE, ids=lambda block: block.type)
def test_a_message_may_hold_what_the_sdk_builds(workspace: Any, block: Any) -> None:
    answer = workspace("chat.postMessage", channel="#it", text="t", blocks=[block.to_dict()])
    assert answer["ok"] is True, answer


@pytest.mark.parametrize("element", _INPUTS, ids=lambda element: element.type)
def test_a_modal_may_ask_with_what_the_sdk_builds(workspace: Any, element: Any) -> None:
    workspace.universe.apply("slack", "set_token", {"scopes": ["users:read"]})
    block = sdk.InputBlock(label="l", element=element, hint="h", optional=True).to_dict()
    view = {
        "type": "modal",
        "title": {"type": "plain_text", "text": "m"},
        "submit": {"type": "plain_text", "text": "go"},
        "blocks": [block, sdk.AlertBlock(text="careful", level="warning").to_dict()],
    }
    assert workspace("blocks.validate", view=view) == {"ok": True}


def _text(words: str, kind: str = "mrkdwn") -> dict[str, str]:
    return {"type": kind, "text": words}


def _actions(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"type": "actions", "elements": list(elements)}


def _button(**more: Any) -> dict[str, Any]:
    return {"type": "button", "text": _text("b", "plain_text"), **more}


@pytest.mark.parametrize(
    ("block", "messages"),
    [
        (
            {"type": "section", "text": _text("y" * 3001)},
            [
                "failed to match all allowed schemas [json-pointer:/blocks/0/text]",
                "must be less than 3001 characters [json-pointer:/blocks/0/text/text]",
            ],
        ),
        (
            {"type": "section", "text": _text("")},
            [
                "failed to match all allowed schemas [json-pointer:/blocks/0/text]",
                "must be more than 0 characters [json-pointer:/blocks/0/text/text]",
            ],
        ),
        ({"type": "marquee"}, ["unsupported type: marquee [json-pointer:/blocks/0/type]"]),
        ({}, ["missing required field: type [json-pointer:/blocks/0]"]),
        ("x", ["must provide an object [json-pointer:/blocks/0]"]),
        (
            {"type": "section"},
            ["must define either `fields` or `text` [json-pointer:/blocks/0]"],
        ),
        (
            {"type": "section", "block_id": None, "accessory": None, "fields": None},
            [
                "must provide a string [json-pointer:/blocks/0/block_id]",
                "must provide an object [json-pointer:/blocks/0/accessory]",
                "must provide an array [json-pointer:/blocks/0/fields]",
            ],
        ),
        (
            {"type": "section", "fields": [_text("f")] * 11},
            ["no more than 10 items allowed [json-pointer:/blocks/0/fields]"],
        ),
        (
            _actions(*[_button(action_id=str(n)) for n in range(26)]),
            ["no more than 25 items allowed [json-pointer:/blocks/0/elements]"],
        ),
        (
            _actions(_button(disabled=True)),
            ["invalid additional property: disabled [json-pointer:/blocks/0/elements/0]"],
        ),
        (
            _actions(_button(style="loud")),
            ["must be a valid enum value [json-pointer:/blocks/0/elements/0/style]"],
        ),
        (
            _actions(_button(action_id="a"), _button(action_id="a")),
            [
                '`action_id` "a" already exists for block_id ""'
                " [json-pointer:/blocks/0/elements/1/action_id]"
            ],
        ),
        (
            {"type": "header", "text": _text("x")},
            ["unsupported type: mrkdwn [json-pointer:/blocks/0/text/type]"],
        ),
        (
            {
                "type": "section",
                "text": _text("x"),
                "accessory": {
                    "type": "overflow",
                    "options": [{"text": _text("o", "plain_text"), "value": "1"}] * 6,
                },
            },
            ["no more than 5 items allowed [json-pointer:/blocks/0/accessory/options]"],
        ),
        (
            _actions({"type": "static_select", "placeholder": _text("p", "plain_text")}),
            ["must define either `options` or `option_groups` [json-pointer:/blocks/0/elements/0]"],
        ),
        (
            _actions({"type": "datepicker", "initial_date": "tomorrow"}),
            [
                "must be a date in the format YYYY-MM-DD"
                " [json-pointer:/blocks/0/elements/0/initial_date]"
            ],
        ),
        (
            {"type": "alert", "text": _text("x")},
            ["unsupported type: alert [json-pointer:/blocks/0/type]"],
        ),
        (
            {"type": "context", "elements": [_button()]},
            [
                "failed to match all allowed schemas [json-pointer:/blocks/0/elements/0]",
                "unsupported type: button [json-pointer:/blocks/0/elements/0/type]",
            ],
        ),
    ],
)
def test_slack_says_what_is_wrong_and_where(
    workspace: Any, block: Any, messages: list[str]
) -> None:
    answer = workspace("chat.postMessage", channel="#it", text="x", blocks=[block])
    assert answer["error"] == "invalid_blocks"
    assert answer["errors"] == messages
    assert answer["response_metadata"]["messages"] == [f"[ERROR] {text}" for text in messages]


def test_rules_for_the_whole_of_the_blocks(workspace: Any) -> None:
    def post(*blocks: Any) -> dict[str, Any]:
        answer: dict[str, Any] = workspace("chat.postMessage", channel="#it", blocks=list(blocks))
        return answer

    many = post(*[{"type": "divider"}] * 51)
    assert many["errors"] == ["no more than 50 items allowed [json-pointer:/blocks]"]
    same = {"type": "divider", "block_id": "one"}
    assert post(same, same)["errors"] == [
        '`block_id` "one" already exists [json-pointer:/blocks/1/block_id]'
    ]
    long = {"type": "markdown", "text": "m" * 6001}
    assert post(long, long)["error"] == "msg_blocks_too_long"
    table = {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}]]}
    assert post(table, table)["error"] == "invalid_attachments"
    two = post({"type": "x"}, {"type": "y"})
    assert len(two["errors"]) == 2, "all problems are told at once"


def test_views_have_rules_of_their_own(workspace: Any) -> None:
    user = workspace.user("it", 1)

    def publish(**view: Any) -> list[str]:
        answer = workspace("views.publish", user_id=user, view={"type": "home", **view})
        assert answer.get("error", "invalid_arguments") == "invalid_arguments"
        found: list[str] = answer.get("response_metadata", {}).get("messages", [])
        return found

    assert publish(blocks=[{"type": "divider"}] * 100) == []
    assert publish(blocks=[{"type": "divider"}] * 101) == [
        "[ERROR] no more than 100 items allowed [json-pointer:/view/blocks]"
    ]
    assert publish() == ["[ERROR] missing required field: blocks [json-pointer:/view]"]
    assert publish(blocks=[{"type": "markdown", "text": "m"}]) == [
        "[ERROR] unsupported type: markdown [json-pointer:/view/blocks/0/type]"
    ]
    assert publish(blocks=[], private_metadata="p" * 3001) == [
        "[ERROR] must be less than 3001 characters [json-pointer:/view/private_metadata]"
    ]


def test_payloads_can_be_checked_without_sending_them(workspace: Any) -> None:
    fine = [{"type": "section", "text": _text("x")}]
    assert workspace("blocks.validate", blocks=fine) == {"ok": True}
    assert workspace("blocks.validate", message={"blocks": fine}) == {"ok": True}
    wrong = workspace("blocks.validate", blocks=[{"type": "section", "text": _text("x", "html")}])
    assert wrong["error"] == "invalid_blocks"
    assert wrong["errors"][-1] == {
        "code": "failed_constraint",
        "message": "unsupported type: html",
        "pointer": "/0/text/type",
        "constraint": {"type": "enum", "expected": ["mrkdwn", "plain_text"]},
    }
    view = {"type": "modal", "blocks": fine}
    assert workspace("blocks.validate", view=view)["error"] == "invalid_view"
    both = workspace("blocks.validate", blocks=fine, view=view)
    assert both["error"] == "invalid_arguments"
    assert both["response_metadata"]["messages"] == [
        "must provide exactly one of `blocks`, `view`, or `message`"
    ]
