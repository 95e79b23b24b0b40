/** Makes the context of a command. Apart, because it needs the store, which the help screen doesn't. */
import { withRepository } from "../store/repository.ts";
import { chooseRepository } from "./choose-repository.ts";
import { confirm } from "./confirm.ts";
import type { Context } from "./context.ts";

export function createContext(parts: Pick<Context, "global" | "out" | "observer">): Context {
  const { global, out, observer } = parts;
  return {
    ...parts,
    withRepository: (work) => withRepository(chooseRepository(global.repo), work),
    confirm: (question) => {
      out.flush();
      return confirm(question, { yes: global.yes, signal: observer.signal });
    },
  };
}
