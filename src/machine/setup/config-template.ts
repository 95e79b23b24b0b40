/** /etc/regrow.toml as `setup` writes it where there is none: what holds without it, and why. */
import type { SetupFacts } from "./setup-facts.ts";

export function configTemplate({ carry }: Pick<SetupFacts, "carry">): string {
  const rules = carry.map(({ path, why }) => `[[carry]]                # ${why}\npath = ${JSON.stringify(path)}\n`);
  return `# What regrow does on this machine. This file is yours: regrow writes it once and never again.
# Commands keep what they decide in /etc/regrow.d/*.toml, which is read after this file.

# The branch that \`regrow commit\` continues.
branch = "main"

# How many of the last commits the boot menu shows.
menu = 5

# Which commits \`regrow prune --policy\` leaves whole: the newest of each hour, day, week and month that has one.
keep = { last = 10, hourly = 24, daily = 14, weekly = 8, monthly = 12 }

# Which roots that a rollback has replaced \`regrow prune --policy\` leaves: the newest, and those of the last days. What
# goes can't be brought back by \`undo\`; its commit stays.
[history]
keep = { last = 3, days = 30 }

# What a rollback leaves as it is. All else goes back, the package database with /usr.
${rules.join("\n")}`;
}
