/** A row of an instant query. */
export interface Row {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** The rows of an instant query; an Error with the query and what Prometheus says of it. */
export async function query(url: string, text: string): Promise<readonly Row[]> {
  const answer = await fetch(`${url}/api/v1/query`, {
    method: 'POST',
    body: new URLSearchParams({ query: text }),
  });
  const { data, error } = (await answer.json()) as {
    data?: { result: { metric: Record<string, string>; value: [number, string] }[] };
    error?: string;
  };
  if (data === undefined) throw new Error(`${text}: ${error}`);
  return data.result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
}

/** Rows added up by labels, joined by a space; a label that is not there is `-`. */
export function rowsBy(rows: readonly Row[], by: readonly string[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { labels, value } of rows) {
    const key = by.map(label => labels[label] ?? '-').join(' ');
    sums[key] = (sums[key] ?? 0) + value;
  }
  return sums;
}
