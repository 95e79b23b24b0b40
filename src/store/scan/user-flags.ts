/** The inode flags (chattr) that a person sets and that a copy should have. */
export { userFlags } from "../../sys/inode-flags.ts";
