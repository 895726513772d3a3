"""Writes small templates with what Jinja2 makes of them, for the tests of io.github.lora4j.internal.jinja:

    python make_jinja_fixtures.py ../resources/jinja.json

Each is rendered as transformers renders chat templates. An error is stored as null. Written with transformers 5.18 and
Jinja2 3.1.
"""

import itertools
import json
import sys
from pathlib import Path

from transformers.utils.chat_template_utils import _compile_jinja_template

VARIABLES = {
    "s": "Hello, wörld 👍🏽 it's",
    "t": "  padded\t\n",
    "n": 7,
    "x": 2.5,
    "yes": True,
    "nothing": None,
    "l": [3, 1, 2, 1],
    "w": ["b", "A", "a"],
    "d": {"b": 1, "A": [1, None], "c": {"k": "v"}, "items": 5},
    "m": [{"role": "user", "n": 2}, {"role": "bot", "n": 1}, {"role": "user", "n": 1, "x": {"y": "z"}}],
}

EXPRESSIONS = """
1 + 2 * 3 - 4
7 // 2, -7 // 2, 7 % 3, -7 % 3
1 / 2, 4 / 2, 10 / 3
1e22, 1e16, 123456789012345680.0, 1e-5, 0.0001, 0.1 + 0.2, 1e15, -0.0
1 / 0
1000, 1.5e3
'a' 'b' "c"
'a\\n\\t\\'\\"\\\\'
'a' ~ 1 ~ none ~ true ~ 1.0 ~ missing
'a' + 1
'ab' * 3, 'x' * -1
[1] + [2, 'x'], (1,) + (2,)
[1] + (2,)
1 < 2 < 3, 1 < 3 < 2, 'a' < 'b', [1, 2] < [1, 3]
1 < 'a'
1 == 1.0, true == 1, 'a' == 'a', none == false, [1] == (1,), {'a': 1} == {'a': 1.0}
not none, not missing, not '', not [0], not {}, not 0.0
1 in l, 'wör' in s, 'b' in d, 9 not in l, 'x' in missing
1 in 'abc'
1 in none
n if yes else x
n if nothing
(n if nothing) is defined
missing
missing.attribute
missing[0]
missing + 1
missing == missing, missing is undefined, missing is none, missing is iterable, missing is sequence, missing is string
missing | length, missing | list, missing | upper, missing | join
missing()
none
none.a
none[0]
none | length
s[0], s[-1], s[7:12], s[::-1], s[13:], s[:-3], s[100:], s[3:1]
s[100]
l[0], l[-1], l[1:], l[::2], l[::-1], l[-2:], l[5:], l[10] is defined
l['a'] is defined
d.b, d['b'], d.A, d.c.k, d.missing is defined, d['missing'] is defined
d.items
d.items()
d['items']
d.get('b'), d.get('z'), d.get('z', 4), d.keys() | list, d.values() | list
d.keys() | length, 'b' in d.keys()
d.pop('b')
l.append(1)
d
m[2]
(1, 'a', none, true, 2.5, ["it's", 'say "x"', 'both \\' "', "\\n\u200b"])
{'a': 1, 'b': [], 'c': {}}
{[]: 1}
[1, 2,], (1,), (), {}
s.upper(), s.lower(), s.title(), s.capitalize()
'ǆ ß ﬁ İ Σς'.upper(), 'ÀÉ ΑΣ'.lower(), 'ßa ñb'.title(), "they're b4b".title()
t.strip() ~ '|', t.lstrip() ~ '|', t.rstrip() ~ '|', 'xxaxx'.strip('x'), 'abcba'.lstrip('ab'), '　a '.strip()
'a,b,,c'.split(','), 'a,b,,c'.split(',', 1), ' a  b '.split(), ' a  b c '.split(none, 1), ''.split(), ''.split(',')
'a'.split('')
s.startswith('Hel'), s.startswith(('x', 'H')), s.endswith("it's")
s.startswith(1)
s.find('w'), s.find('zz'), '👍🏽b'.find('b')
'aXbXc'.replace('X', '-'), 'aXbXc'.replace('X', '-', 1)
'-'.join(w), ''.join([]), ', '.join('abc')
'-'.join([1])
'%s %s' % 'a'
s.nothing is defined
s.nothing()
s.__class__
''.__class__.__mro__
d.__class__ is defined
d.c|dictsort, {'b': 1, 'A': 2}|dictsort, {'b': 1, 'A': 2}|dictsort(true), {'b': 1, 'A': 2}|dictsort(reverse=true)
m|map(attribute='x', default='none')|list, m|map('length')|list, w|map('upper')|join('+')
m|map(attribute='missing')|list|length
m|selectattr('role', 'equalto', 'user')|list|length, m|rejectattr('role', '==', 'user')|map(attribute='n')|list
m|selectattr('x')|list|length, m|selectattr('x', 'defined')|list|length
l|select('odd')|list, l|reject('gt', 1)|list, l|select|list, [0, '', 1]|select|list, l|select('divisibleby', 3)|list
(m|selectattr('role', 'equalto', 'nobody')) is true, 1 if m|selectattr('role', 'equalto', 'nobody') else 2
m|selectattr('role', 'equalto', 'user')|length
m|selectattr('role')|first, []|first is defined, l|first, l|last, s|last, []|last is defined
m|selectattr('role')|last
l|reverse|list, s|reverse, d|list, 'ab'|list
none|list
l|join, l|join(', '), m|join('-', attribute='role'), [1, none, 'a']|join('|')
missing|default('x'), ''|default('x'), ''|default('x', true), none|d(1), none|d(1, true), 0|default(5, boolean=true)
s|upper, s|lower, s|capitalize, 5|string ~ 'a', none|upper
t|trim ~ '|', 'xax'|trim('x'), 5|trim, s|replace('l', 'L'), s|replace('l', 'L', 1)
s|length, d|length, l|length
'a\\nb\\n\\nc'|indent, 'a\\nb'|indent(2, true), 'a\\n\\nb'|indent(width=1, blank=true), 'a\\nb\\n'|indent('> ')
d|items|list, missing|items|list
none|items|list
l|items|list
'<b>'|safe ~ '<i>', ('a'|safe) is string
d|tojson, m|tojson, s|tojson, [1.0, 1e22, none, true, ' </x>']|tojson
d|tojson(indent=2)
{'b': {}, 'a': []}|tojson(indent=4, sort_keys=true)
l|tojson(separators=(',', ':')), s|tojson(ensure_ascii=true)
missing|tojson
(l|map('string'))|tojson
n is odd, n is even, n is divisibleby 7, n is divisibleby(3), n is number, n is integer, n is float, x is float, yes is number
yes is integer, yes is boolean, yes is true, yes is false, n is true, 1 is true, nothing is none, nothing is not none
s is string, l is sequence, l is iterable, d is mapping, d is sequence, s is sequence, 5 is iterable, none is iterable
n is eq 7, n is equalto 7.0, n is ne(8), n is gt 3, n is ge 7, n is lt 3, n is le 7, n is in [7], 'a' is in 'abc'
nothing is sameas none, yes is sameas true, l is sameas l, l is sameas [3, 1, 2, 1]
n is nosuchtest
n | nosuchfilter
not n is odd, n is not odd and yes, n is odd or missing.a
range(3)|list, range(2, 8, 3)|list, range(3, 0, -1)|list, range(0)|list
range(1000000)
dict(a=1, b=2), dict({'x': 1}, y=2)
namespace(a=1).a, namespace({'b': 2}).b, namespace().c is defined
raise_exception('no')
l[1:3:-1], l[3:1:-1], l[-1:0:-1]
l|sort, l|sort(reverse=true), w|sort, w|sort(case_sensitive=true), m|sort(attribute='n')|map(attribute='role')|list, d|sort
m|sort(attribute='n', reverse=true)|map(attribute='role')|list, (1, 0)|sort, 'bca'|sort, missing|sort
[1, 'a']|sort
m|sort
l|unique|list, w|unique|list, w|unique(true)|list, m|unique(attribute='role')|map(attribute='n')|list, [1, 1.0, true]|unique|list
m|unique|list
l|min, l|max, w|min, w|max, w|max(case_sensitive=true), m|max(attribute='n'), m|min(attribute='n'), []|max is defined
l|sum, [0.5, 1]|sum, m|sum(attribute='n'), l|sum(start=10), []|sum
w|sum
'12'|int, ' -7 '|int, '1_000'|int, 'x'|int, 'x'|int(5), '3.9'|int, 3.9|int, -3.9|int, yes|int, none|int, l|int, '1e3'|int, ''|int
missing|int
'1.5'|float, ' 2 '|float, 'x'|float, 'x'|float(1), 3|float, none|float, '1e-3'|float, '.5'|float, 'Infinity x'|float, yes|float, (d.k or 'inf')|float
-3|abs, (-3)|abs, (-2.5)|abs, yes|abs
'a'|abs
2.5|round, 3.5|round, 2.675|round(2), 3.14159|round(3), 7|round, 1234.5|round(-2), -0.4|round, 1e300|round(2)
l|count, s|count, d|count
"they're b4b-x (foo) [bar] <baz> {q} ÀÉ"|title, 'ΑΒΣ σοσ'|title, 5|title
'a,b,,c'.rsplit(','), 'a,b,,c'.rsplit(',', 1), ' a  b '.rsplit(), ' a  b c '.rsplit(none, 1), ' a b '.rsplit(maxsplit=1), ''.rsplit(), ''.rsplit(','), 'aaa'.rsplit('aa')
'a.b.c'.partition('.'), 'abc'.partition('.'), 'a.b.c'.rpartition('.'), 'abc'.rpartition('.')
'a'.partition('')
'a\nb\r\nc\n\nd'.splitlines(), 'a\nb\n'.splitlines(true), ''.splitlines(), 'x\u2028y'.splitlines()
'abc'.removeprefix('a'), 'abc'.removeprefix('b'), 'abc'.removesuffix('bc'), 'abc'.removesuffix(''), 'abc'.removeprefix('abc')
'abca'.rfind('a'), 'abc'.rfind('z'), 'abca'.index('c'), 'aaaa'.count('aa'), 'ab'.count(''), '👍🏽bb'.index('b')
'abc'.index('z')
'\\x41\\u00e9\\u0022\\u005c\\U0001f44d\\101\\0', "\\x27'", '\\d\\(\\|', '\\a\\v'|length, '\\u000a\\u000d'|length
'\\u12'
d.A[0] + d.c.k|length
(m|last).x.y, m[-1]['x']['y'], m[0:1][0].n
'a' if n > 5 and x < 3 else 'b' if n else 'c'
[n if n else x, (n, x)[0], {'k': n}.k]
m | map(attribute='role') | map('upper') | join(',')
'x'.join(['a', 'b'])|upper ~ '!' * 2
1 if 2 if 0 else 3 else 4
'a' * 3 in 'aaab' and not ('x' in 'y')
"é" == "é", 'é'|length, '👍🏽'|length, '👍🏽'[0], '👍🏽x'[1:]
'a' < 'B', 'é' > 'z', '￿' < '😀'
(1, 2) == (1, 2), (1, 2) in [(1, 2)], [] is sameas []
none ~ '', true|string, none|string, (true, false)|join
{'a': 1}.items()|list, {'a': {'b': 2}}['a']['b'], {'a': 1}.a
""".strip().split("\n")

TEMPLATES = [
    "a\n",
    "a\n\n",
    "a\r\nb\rc\n",
    "",
    "\n",
    "  {% if yes %}\n  x\n  {% endif %}\n  y",
    "a {% if yes %} b {% endif %} c",
    "a {%- if yes -%} b {%- endif -%} c",
    "a\n  {%+ if yes %}b{% endif +%}\nc",
    "a\n  {{- n -}}  \n b {{+ n }}",
    "a\n  {# note #}\n  b {#- note -#}  c {##} d{#-#} e",
    "{{ '}}' }}{{ '%}' }}{{ {'a': {'b': 1}}['a'] }}",
    "{% for a in l %}{{ a }}{% if not loop.last %}, {% endif %}{% endfor %}",
    "{% for a in l %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}"
    "{{ loop.last }}{{ loop.length }};{% endfor %}",
    "{% for a in l %}{{ loop.previtem }}<{{ a }}>{{ loop.nextitem }} {% endfor %}",
    "{% for a in [] %}x{% else %}none{% endfor %}{% for a in missing %}x{% else %}none{% endfor %}",
    "{% for a in none %}{% endfor %}",
    "{% for a in l if a > 1 %}{{ a }}{{ loop.length }}{% else %}no{% endfor %}",
    "{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}{% for k in d %}{{ k }}{% endfor %}",
    "{% for a, b in [1] %}{% endfor %}",
    "{% for a in l %}{% if a == 1 %}{% continue %}{% endif %}{{ a }}{% if a == 2 %}{% break %}{% endif %}{% endfor %}",
    "{% for a in l %}{% for b in w %}{{ loop.index }}{{ b }}{% endfor %}{{ loop.index }}{% endfor %}",
    "{% break %}",
    "{% set a = 1 %}{% for i in l %}{% set a = a + i %}{{ a }} {% endfor %}{{ a }}",
    "{% set ns = namespace(a=1) %}{% for i in l %}{% set ns.a = ns.a + i %}{% endfor %}{{ ns.a }}",
    "{% set d.x = 1 %}",
    "{% if yes %}{% set q = 5 %}{% endif %}{{ q }}",
    "{% set a, b = 1, 2 %}{{ b }}{{ a }}{% set a = b, %}{{ a }}",
    "{% set a %}x{{ n }}y{% endset %}{{ a }}{% set b | upper | replace('X', 'z') %}x{{ n }}{% endset %}{{ b }}",
    "{% set a %}{% set inner = 1 %}{% endset %}{{ inner is defined }}",
    "{% macro f(a, b='x', c=a) %}{{ a }}{{ b }}{{ c }}{% endmacro %}{{ f(1) }} {{ f(1, 2) }} {{ f(1, c=3) }} {{ f() }}",
    "{% macro f(a) %}{{ a }}{% endmacro %}{{ f(1, 2) }}",
    "{% macro f(a) %}{{ a }}{% endmacro %}{{ f(z=2) }}",
    "{% macro f(k) %}{{ k }}{% if k > 0 %}{{ f(k - 1) }}{% endif %}{% endmacro %}{{ f(5) }}",
    "{% macro f() %}{{ n }}{{ late }}{% endmacro %}{% set late = 'L' %}{{ f() }}{{ f() is string }}",
    "{% for i in l %}{% macro f() %}{{ i }}{% endmacro %}{{ f() }}{% endfor %}",
    "{% macro f() %}{% set v = 1 %}{{ v }}{% endmacro %}{{ f() }}{{ v is defined }}",
    "{% generation %}a{{ n }}{% set v = 1 %}{% endgeneration %}{{ v is defined }}",
    "{%- generation -%}  a  {%- endgeneration -%}  b",
    "{% if missing %}a{% elif n == 7 %}b{% else %}c{% endif %}",
    "{% if n == 8 %}a{% elif n == 9 %}b{% else %}c{% endif %}{% if n == 8 %}x{% endif %}",
    "{% set it = l | select('odd') %}{{ it | list }}{{ it | list }}",
    "{% include 'x' %}",
    "{% nosuchtag %}",
    "{% if yes %}",
    "{% endif %}",
    "{{ 1 + }}",
    "{{ (1 }}",
    "{{ 'a }}",
    "{{ a b }}",
    "{% set = 1 %}",
    "{% do l.append(1) %}",
    "{{ n }",
    "{{ nothing[1:] }}",
    "{% for i in range(3) %}\n  {{ i }}\n{% endfor %}\nend",
    "{%- for i in range(3) %}\n  {{- i }}\n{%- endfor %}\nend",
    "{% for i in range(2) -%}\n  {% if i %}\n    x\n  {%- else %}\n    y\n  {% endif -%}\n{% endfor %}\n",
    "\n\n{{ n }}\n\n{% set a = 1 %}\n\n{{ a }}\n\n",
    "\t {% set a = 1 %} \n b",
    "x{% set a = 1 %}\n y",
    "{{ n }}\n{{ n }}\n",
    "{{- n }} {{ n -}}\n\n z",
    "{{ -n }}{{ - n | string }}",
    "{{ {'a':1}|length }}{{ {}|length }}",
    "{{ l | length > 3 and m | length == 3 }}",
    "{{ n }}{#\n multi\n line\n#}\n{{ n }}",
    "{% set x = [] %}{% for a in l %}{% set x = x + [a] %}{% endfor %}{{ x }}",
    "{% for a in l %}{% set z = loop.index %}{% endfor %}{{ z }}",
    "{% for a in w %}{{ a }}{% endfor %}{{ a }}{{ loop }}",
    "{{ loop is defined }}{% for i in [1] %}{{ loop is defined }}{% endfor %}",
    "{{ m | map(attribute='n') | list | join }}{{ m | length ~ '/' ~ l | length }}",
]


def operators():
    """Every operator on every pair of kinds of values."""
    values = ["n", "x", "yes", "nothing", "'ab'", "l", "(1, 2)", "d", "missing", "('<'|safe)", "0"]
    for operator in ["+", "-", "*", "/", "//", "%", "~", "==", "!=", "<", ">=", "in", "not in", "and", "or"]:
        for left, right in itertools.product(values, values):
            if operator in ("*", "//", "%") and not {left, right} <= {"n", "yes", "0"}:
                continue
            yield f"{{{{ {left} {operator} {right} }}}}"
    for name in ["list", "string", "length", "first", "last", "join", "tojson", "upper",
                 "trim", "reverse|list", "default('z', true)", "items|list", "capitalize"]:
        for value in values:
            yield f"{{{{ {value} | {name} }}}}"
    for name in ["defined", "none", "string", "number", "integer", "float", "boolean", "mapping", "iterable", "sequence",
                 "true", "false", "in l", "eq(1)", "sameas(n)"]:
        for value in values:
            yield f"{{{{ {value} is {name} }}}}"


def render(template):
    try:
        return _compile_jinja_template(template).render(**VARIABLES)
    except Exception:
        return None


def main():
    templates = ["{{ " + expression + " }}" for expression in EXPRESSIONS] + TEMPLATES + list(operators())
    # What Python prints with an address, or as a type of its own, is nothing to compare with.
    results = [(t, render(t)) for t in templates]
    results = [(t, r) for t, r in results if r is None or (" at 0x" not in r and "dict_" not in r and "<class" not in r)]
    lines = ",\n".join(json.dumps(pair) for pair in results)
    Path(sys.argv[1]).write_text(
        '{"variables": ' + json.dumps(VARIABLES) + ',\n"templates": [\n' + lines + "\n]}\n", encoding="ascii"
    )
    print(len(results), "templates,", sum(r is None for _, r in results), "of them errors")


main()
