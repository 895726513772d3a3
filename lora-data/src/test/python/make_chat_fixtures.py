"""Renders chat templates as transformers does, for the tests of io.github.lora4j.text to compare with.

    python make_chat_fixtures.py FOLDER_OF_TEMPLATES OUT.json

FOLDER_OF_TEMPLATES holds `*.jinja`: those of ../resources/chat (OUT is then ../resources/chat/expected.json), or any
others, such as trl's `chat_templates`, for the test that compares real ones. OUT holds the conversations and, for
each template and conversation, without and with a generation prompt, the text (the second as what is "more" than
the first), or the template's own error ("raised"), or that it failed ("failed").

Written with transformers 5.18 and Jinja2 3.1. The same versions write the same bytes.
"""

import datetime
import json
import sys
from pathlib import Path

import jinja2
from transformers.utils import chat_template_utils

SPECIAL = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}


class FixedDate(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(2026, 3, 7, 14, 5, 9)


chat_template_utils.datetime = FixedDate


def user(content, **extra):
    return {"role": "user", "content": content, **extra}


def system(content):
    return {"role": "system", "content": content}


def assistant(content, **extra):
    return {"role": "assistant", "content": content, **extra}


def call(name, arguments, number=0):
    return {"type": "function", "id": f"call{number:05d}", "function": {"name": name, "arguments": arguments}}


def tool(content, number=0, name="weather"):
    return {"role": "tool", "name": name, "content": content, "tool_call_id": f"call{number:05d}"}


WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Tells the weather at a place, <now> & \"here\".",
        "parameters": {
            "type": "object",
            "properties": {
                "place": {"type": "string", "description": "Name of the place, as in Zürich 🏔"},
                "unit": {"type": "string", "enum": ["celsius", "fahrenheit"], "default": "celsius"},
                "days": {"type": "integer", "description": "How many", "minimum": 1},
                "detail": {"type": "object", "properties": {"wind": {"type": "boolean"}}, "required": []},
            },
            "required": ["place"],
        },
        "return": {"type": "string", "description": "In words."},
    },
}
ADD = {
    "type": "function",
    "function": {
        "name": "add",
        "description": "Adds numbers.",
        "parameters": {
            "type": "object",
            "properties": {
                "numbers": {"type": "array", "items": {"type": "number"}, "description": "What to add"},
                "exact": {"type": ["boolean", "null"], "description": "No rounding"},
            },
            "required": ["numbers", "exact"],
        },
    },
}
NOTHING = {
    "type": "function",
    "function": {"name": "now", "description": "The time.", "parameters": {"type": "object", "properties": {}}},
}

TURNS = [
    user("What is a lake?"),
    assistant("Water with land around it."),
    user("  And an island?  "),
    assistant("\nLand with water around it.\n"),
    user("And a peninsula?"),
]
CALLED = [
    user("How is the weather in Zürich and in Oslo?"),
    assistant("", tool_calls=[call("weather", {"place": "Zürich", "days": 2, "unit": None, "exact": True})]),
    tool('{"sky": "clear", "degrees": 21.5}'),
]


def conversations():
    """Each a name and what is rendered: messages and further arguments."""
    yield "one question", {"messages": [user("Hello")]}
    yield "system", {"messages": [system("Be brief."), user("Hello")]}
    yield "turns", {"messages": TURNS}
    yield "system and turns", {"messages": [system("  Be brief.\n"), *TURNS]}
    yield "answered", {"messages": TURNS[:4]}
    yield "system, answered", {"messages": [system("Be brief."), *TURNS[:2]]}
    yield "empty contents", {"messages": [system(""), user(""), assistant(""), user("")]}
    yield "spaces", {"messages": [user(" \n\t a  b \n\n "), assistant("  "), user("c\r\nd\u00a0\u3000")]}
    yield "marks", {"messages": [user("{{ x }} {% if %} <b>&amp;'\"\\</b> {# #}"), assistant("<|im_end|></s>")]}
    yield "scripts", {"messages": [user("Größe 日本語 नमस्ते 👩‍👩‍👧 𝒳"), assistant("שלום e\u0301"), user("ﬁ İ ß")]}
    yield "two users", {"messages": [user("a"), user("b")]}
    yield "assistant first", {"messages": [assistant("a"), user("b")]}
    yield "system late", {"messages": [user("a"), system("b"), user("c")]}
    yield "two systems", {"messages": [system("a"), system("b"), user("c")]}
    yield "only system", {"messages": [system("a")]}
    yield "odd role", {"messages": [user("a"), {"role": "critic", "content": "b"}]}
    yield "developer", {"messages": [{"role": "developer", "content": "Be brief."}, user("Hello")]}
    yield "no content", {"messages": [{"role": "user"}]}
    yield "content null", {"messages": [user("a"), assistant(None), user("b")]}
    yield "content number", {"messages": [user(7), assistant(1.5), user(True)]}
    parts = [{"type": "text", "text": "Look "}, {"type": "text", "text": "here"}]
    yield "content parts", {"messages": [user(parts), assistant([parts[0]]), user([])]}
    yield "system parts", {"messages": [system(parts), user(parts)]}
    yield "images", {"messages": [user([{"type": "image"}, parts[0], {"type": "image", "image": "x.png"}])]}
    yield "video", {"messages": [user([parts[0], {"type": "video", "video": "x.mp4"}]), assistant("a"), user("b")]}
    yield "reasoning", {"messages": [*TURNS[:1], assistant("Water.", reasoning_content="Think\nfirst."), user("b")]}
    yield "reasoning last", {"messages": [TURNS[0], assistant("Water.", reasoning_content="\nThink.\n")]}
    yield "reasoning field", {"messages": [TURNS[0], assistant("Water.", reasoning="Think."), user("b")]}
    thought = assistant("<think>\nThink first.\n</think>\n\nWater.")
    yield "thoughts", {"messages": [TURNS[0], thought, user("b")]}
    yield "thoughts last", {"messages": [TURNS[0], thought]}
    yield "thinking", {"messages": TURNS, "enable_thinking": True}
    yield "no thinking", {"messages": TURNS, "enable_thinking": False}
    yield "no thinking, thoughts", {"messages": [TURNS[0], thought, user("b")], "enable_thinking": False}
    yield "thinking kept", {"messages": [TURNS[0], thought, user("b")], "preserve_thinking": True}
    yield "effort", {"messages": TURNS[:1], "reasoning_effort": "high", "model_identity": "You are a model."}
    yield "date", {"messages": TURNS[:1], "date_string": "1 May 2026"}
    yield "tools", {"messages": TURNS[:1], "tools": [WEATHER, ADD, NOTHING]}
    yield "tools, system", {"messages": [system("Be brief."), *TURNS], "tools": [WEATHER]}
    yield "no tools", {"messages": TURNS[:1], "tools": []}
    yield "tools elsewhere", {
        "messages": [system("Be brief."), *TURNS[:1]],
        "tools": [ADD],
        "tools_in_user_message": False,
        "builtin_tools": ["search", "code_interpreter"],
    }
    yield "called", {"messages": CALLED, "tools": [WEATHER]}
    yield "called, untold", {"messages": CALLED}
    yield "called, answered", {"messages": [*CALLED, assistant("Clear, 21.5 degrees."), user("Thanks")], "tools": [WEATHER]}
    yield "called with words", {
        "messages": [
            system("Be brief."),
            CALLED[0],
            assistant("Let me see.", tool_calls=[call("weather", {"place": "Oslo"})], reasoning_content="A place."),
            tool("rain"),
            assistant("Rain."),
        ],
        "tools": [WEATHER, ADD],
    }
    yield "called twice at once", {
        "messages": [
            CALLED[0],
            assistant(
                None,
                tool_calls=[call("weather", {"place": "Oslo"}), call("add", {"numbers": [1, 2.5, -3e-7, 1e22]}, 1)],
            ),
            tool("rain"),
            tool('{"sum": 0.5}', 1, "add"),
        ],
        "tools": [WEATHER, ADD],
    }
    yield "called with text", {
        "messages": [
            CALLED[0],
            assistant("", tool_calls=[call("weather", '{"place": "Oslo"}')]),
            tool({"sky": ["rain", "snow"], "wind": {"from": "north", "calm": False}}),
        ],
        "tools": [WEATHER],
    }
    yield "called bare", {
        "messages": [CALLED[0], assistant("", tool_calls=[{"name": "now", "arguments": {}}]), tool("12:00", 0, "now")],
        "tools": [NOTHING],
    }
    yield "tool parts", {"messages": [*CALLED[:2], tool([{"type": "text", "text": "clear"}])], "tools": [WEATHER]}
    yield "documents", {
        "messages": TURNS[:1],
        "documents": [{"title": "Lakes", "text": "Water."}, {"title": "Islands", "text": "Land."}],
    }


def render(template, arguments, add_generation_prompt):
    try:
        texts, _ = chat_template_utils.render_jinja_template(
            [arguments["messages"]],
            chat_template=template,
            add_generation_prompt=add_generation_prompt,
            **{"tools": None, **{k: v for k, v in arguments.items() if k != "messages"}},
            **SPECIAL,
        )
        return {"text": texts[0]}
    except jinja2.exceptions.TemplateError as e:
        return {"raised": e.message} if type(e) is jinja2.exceptions.TemplateError else {"failed": repr(e)}
    except Exception as e:  # Whatever else goes wrong in a template: a TypeError, a KeyError.
        return {"failed": repr(e)}


def shortened(results):
    """Of two texts of which one begins with the other, writes only what more there is."""
    if len(results) == 2 and all("text" in r for r in results) and results[1]["text"].startswith(results[0]["text"]):
        results[1] = {"more": results[1]["text"][len(results[0]["text"]) :]}
    return results


def main():
    templates = {path.stem: path.read_text(encoding="utf-8") for path in sorted(Path(sys.argv[1]).glob("*.jinja"))}
    cases = list(conversations())
    cases += [
        ("continued", {"messages": [*TURNS[:1], assistant("Water with ")], "continue_final_message": True}),
        ("continued parts", {"messages": [*TURNS[:1], assistant([{"type": "text", "text": "Water"}])],
                             "continue_final_message": True}),
    ]
    lines = []
    for name, template in templates.items():
        results = {}
        for case, arguments in cases:
            prompts = [False] if "continue_final_message" in arguments else [False, True]
            results[case] = shortened([render(template, arguments, prompt) for prompt in prompts])
        lines.append(f"{json.dumps(name)}: " + json.dumps(results, separators=(",", ":")))
    Path(sys.argv[2]).write_text(
        '{"conversations": '
        + json.dumps(dict(cases), separators=(",", ":"))
        + ',\n"special": '
        + json.dumps(SPECIAL)
        + ',\n"templates": {\n'
        + ",\n".join(lines)
        + "\n}}\n",
        encoding="ascii",
    )
    texts = [r for line in lines for r in json.loads("{" + line + "}").popitem()[1].values()]
    flat = [x for group in texts for x in group]
    kinds = {kind: sum(kind in x for x in flat) for kind in ("text", "more", "raised", "failed")}
    print(len(templates), "templates,", len(flat), "results,", kinds)


main()
