/** Pages that may be open at the same time. */
export const MAX_PAGES = 50;

/** Namespaces that one page may have opened. */
export const MAX_OPENED = 50;
