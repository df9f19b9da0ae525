/** Names of values inside a program. */

/** Values that the compiler names carry this mark, so that no name of the caller's can meet them. */
export const internal = '#';

/** Whether a name is the compiler's own, and may vanish; parameters that are stored in a file keep theirs. */
export const isInternal = (name: string): boolean => name.startsWith(internal);
