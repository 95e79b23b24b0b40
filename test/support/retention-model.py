"""What a retention policy keeps, said another way: groups by the text of local time. Reads a list of cases, prints a list of answers."""
import json
import sys
from datetime import datetime
from zoneinfo import ZoneInfo

FORMATS = {"hourly": "%Y-%m-%d %H %z", "daily": "%Y-%m-%d", "weekly": "%G-%V", "monthly": "%Y-%m", "yearly": "%Y"}


def answer(case):
    zone = ZoneInfo(case["zone"])
    commits = [commit for commit in case["commits"] if commit["isWhole"]]
    kept = {commit["commit"]: set(commit["needed"]) for commit in commits}
    for commit in commits:
        if commit["timestamp"] > case["now"]:
            kept[commit["commit"]].add("later than now")
    for line in {name for commit in commits for name in commit["lines"]}:
        members = [c for c in commits if line in c["lines"] and c["timestamp"] <= case["now"]]
        members.sort(key=lambda commit: -commit["timestamp"])
        for commit in members[: case["policy"].get("last", 0)]:
            kept[commit["commit"]].add("last")
        for rule, form in FORMATS.items():
            count = case["policy"].get(rule, 0)
            groups = {}
            for commit in reversed(members):
                groups[datetime.fromtimestamp(commit["timestamp"], zone).strftime(form)] = commit["commit"]
            newest = sorted(groups.values(), key=[c["commit"] for c in members].index)[:count]
            for name in newest:
                kept[name].add(rule)
            if members and count > len(groups) and members[-1]["commit"] not in newest:
                kept[members[-1]["commit"]].add(rule + " (oldest)")
    return {name: sorted(rules) for name, rules in kept.items()}


print(json.dumps([answer(case) for case in json.load(sys.stdin)]))
