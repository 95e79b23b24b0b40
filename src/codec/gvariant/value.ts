/**
 * GVariant values as JavaScript sees them:
 * y n q i u d h are numbers, x t are bigints, b is a boolean, s o g are strings, v is a Variant, `ay` is a Buffer, any other
 * array is an array, a maybe is its value or undefined, a tuple or dictionary entry is an array of its members.
 */
export type GValue = number | bigint | boolean | string | Buffer | Variant | undefined | readonly GValue[];

/** A value with its type string: what GVariant calls `v`. */
export interface Variant {
  readonly type: string;
  readonly value: GValue;
}

/** `a{sv}` in the order in which it was written. */
export type Dictionary = readonly (readonly [string, Variant])[];

/** The entry `key` of a dictionary, where it has the given type. */
export function lookUp(dictionary: Dictionary, key: string, type: string): GValue | undefined {
  const found = dictionary.find(([name]) => name === key);
  return found?.[1].type === type ? found[1].value : undefined;
}
