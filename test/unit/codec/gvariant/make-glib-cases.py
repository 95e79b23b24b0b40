#!/usr/bin/python3
"""Prints glib-cases.json: values in GVariant's text format with the bytes that GLib makes of them.

Needs python3-gi. Run as: /usr/bin/python3 make-glib-cases.py >glib-cases.json
"""
import json
import gi

gi.require_version("GLib", "2.0")
from gi.repository import GLib

CASES = [
    ("b", "true"), ("y", "0xff"), ("n", "-2"), ("q", "65535"), ("i", "-2147483648"), ("u", "4294967295"),
    ("x", "-9223372036854775808"), ("t", "18446744073709551615"), ("d", "0.1"), ("h", "handle 7"),
    ("s", "'grün'"), ("o", "'/a/b_1'"), ("g", "'a{sv}(ii)'"), ("v", "<'x'>"), ("v", "<<<@t 3>>>"),
    ("()", "()"), ("a()", "[(), ()]"), ("(yqut)", "(1, 2, 3, 4)"), ("(ty)", "(1, 2)"), ("a(ty)", "[(1, 2), (3, 4)]"),
    ("(ys)", "(1, 'a')"), ("(sys)", "('a', 1, 'b')"), ("(sst)", "('a', 'b', 7)"), ("(asas)", "(['a'], [])"),
    ("(asvasy)", "(@as [], <1>, ['x', 'y'], 9)"), ("ms", "nothing"), ("ms", "'x'"), ("mi", "nothing"), ("mi", "5"),
    ("ams", "['a', nothing, '']"), ("a{sv}", "{}"), ("a{sv}", "{'a': <1>, 'b': <'two'>}"),
    ("a{yay}", "{1: b'x', 2: b'longer'}"), ("{sv}", "{'a', <@y 1>}"), ("aay", "[b'one', b'', b'three']"),
    ("aas", "[['a', 'b'], [], ['c']]"), ("(a(say)a(sayay))", "(@a(say) [], @a(sayay) [])"),
    ("as", "[%s]" % ", ".join("'%s'" % ("n%d" % n) for n in range(80))),
    ("as", "[%s]" % ", ".join("'%s'" % ("name-%d" % n) for n in range(40))),
    ("(ss)", "('%s', 'end')" % ("x" * 254)), ("(ss)", "('%s', 'end')" % ("x" * 249)), ("(ss)", "('%s', '')" % ("x" * 252)),
    ("as", "['%s']" % ("x" * 253)), ("as", "['%s']" % ("x" * 254)), ("as", "['%s']" % ("x" * 65532)), ("as", "['%s']" % ("x" * 65533)),
]

rows = []
for kind, text in CASES:
    variant = GLib.Variant.parse(GLib.VariantType.new(kind), text, None, None)
    rows.append({"type": kind, "text": text if len(text) < 200 else text[:60] + " …", "hex": variant.get_data_as_bytes().get_data().hex()})
for row in rows:
    run = row["hex"].count("78")
    if run > 1000:
        row["hex"] = row["hex"].replace("78" * run, "{78*%d}" % run)
print("[\n" + ",\n".join("  " + json.dumps(row, ensure_ascii=False) for row in rows) + "\n]")
