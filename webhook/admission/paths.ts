/** Paths of the admission server, and whether the API server calls them because it saw a label. */
export const WEBHOOK_PATHS = {
  /** For entries whose selectors match labels. */
  labelled: '/inject',
  /** For the entry that sees every namespace, because annotations cannot be selected by. */
  everywhere: '/inject/everywhere',
  health: '/healthz',
} as const;
