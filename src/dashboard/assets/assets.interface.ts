/** A file of the page. */
export interface Asset {
  readonly type: string;
  /** Compressed with Brotli, as base64. */
  readonly brotli: string;
  /** Of the contents, quoted as HTTP wants it. */
  readonly etag: string;
}

/** By name: `index.html`, `app.js`. */
export type Assets = Readonly<Record<string, Asset>>;
