/** Makes the context of a command. Apart, because it needs the store, which the help screen doesn't. */
import { withRepository } from "../store/repository.ts";
import { chooseRepository } from "./choose-repository.ts";
import { confirm } from "./confirm.ts";
import type { Context } from "./context.ts";

export function createContext(parts: Pick<Context, "global" | "out" | "observer">): Context {
  const { global, out, observer } = parts;
  // Most commands have nothing to do with a machine.
  const withMachine: Context["withMachine"] = async (work) => {
    const machine = await import("../machine/sysroot/machine.ts");
    return machine.withMachine(global.sysroot ?? "/", work);
  };
  return {
    ...parts,
    withMachine,
    withRepository: (work) =>
      global.sysroot === undefined || global.repo !== undefined
        ? withRepository(chooseRepository(global.repo), work)
        : withMachine(async (machine) =>
            withRepository((await import("../machine/sysroot/machine.ts")).repositoryOf(machine), work),
          ),
    confirm: (question) => {
      out.flush();
      return confirm(question, { yes: global.yes, signal: observer.signal });
    },
  };
}
