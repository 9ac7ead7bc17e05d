// From the paths that were seen to templates of AuthorizationPolicy: parts that vary are `{*}`.

/** A template, or a path as it is, and how many requests it covers. */
export interface PathShape {
  readonly path: string;
  readonly count: number;
  /** One that was seen. */
  readonly example: string;
}

/** Numbers, UUIDs, hashes, dates, and file names that hold one. */
const isId =
  /^(?:\d[\d.:TZ_-]*|[0-9a-f]{8,}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?=.*\d)[\w~.-]{20,}|\d+\.\w+|.*[._-][0-9a-f]{8,}[._-].*)$/i;
/** More names than these at one place are taken for values. */
const mostNames = 20;
/** So many that are alike, below which something goes on the same way: `/users/ann/orders`, `/users/bob/orders`. */
const alikeBranches = 3;
/** So many that were hardly ever seen twice. */
const rareLeaves = 5;
/** A rule with more paths than these is one that nobody reads. */
const mostShapes = 40;

class Part {
  readonly below = new Map<string, Part>();
  /** Requests that ended here. */
  count = 0;
  example = '';

  add(other: Part): void {
    this.count += other.count;
    if (this.example === '') this.example = other.example;
    for (const [name, part] of other.below) {
      const own = this.below.get(name);
      if (own) own.add(part);
      else this.below.set(name, part);
    }
  }

  /** What is below, but for values. */
  get shape(): string {
    return [...this.below.keys()].map(name => (isId.test(name) ? '{*}' : name)).join('/');
  }
}

/** The shapes of paths, most frequent first; undefined where they are too many, or one cannot be written: any path. */
export function shapesOf(paths: ReadonlyMap<string, number>): readonly PathShape[] | undefined {
  const root = new Part();
  for (const [path, count] of paths) {
    // `OPTIONS *` and proxies' absolute paths.
    if (!path.startsWith('/')) return undefined;
    let part = root;
    for (const name of path.slice(1).split('/')) {
      const next = part.below.get(name) ?? new Part();
      part.below.set(name, next);
      part = next;
    }
    part.count += count;
    if (part.example === '') part.example = path;
  }
  generalise(root);
  const shapes = flatten(root, '');
  const few = shapes.length <= mostShapes ? shapes : openShapes(shapes);
  return few.length > mostShapes
    ? undefined
    : [...few].sort((a, b) => b.count - a.count || (a.path < b.path ? -1 : 1));
}

function generalise(part: Part): void {
  const names = [...part.below].filter(([name]) => name !== '' && name !== '{**}');
  const merged = new Part();
  for (const [name] of names.filter(([name]) => isValue(name))) take(part, name, merged);
  const rest = names.filter(([name]) => part.below.has(name));
  if (rest.length > mostNames) for (const [name] of rest) take(part, name, merged);
  else
    for (const alike of groups(rest))
      if (areValues(alike)) for (const [name] of alike) take(part, name, merged);
  if (merged.count > 0 || merged.below.size > 0) part.below.set('{*}', merged);
  // Where any one segment may stand, the names beside it that end the path are among them.
  for (const below of part.below.values()) generalise(below);
}

/** Values, and what a policy cannot say as it is. */
function isValue(name: string): boolean {
  return isId.test(name) || /[*{}]|[^\x21-\x7e]/.test(name);
}

function take(part: Part, name: string, into: Part): void {
  into.add(part.below.get(name)!);
  part.below.delete(name);
}

type Named = readonly [name: string, part: Part];

function groups(named: readonly Named[]): readonly (readonly Named[])[] {
  return [...Map.groupBy(named, ([, part]) => part.shape).values()];
}

function areValues(alike: readonly Named[]): boolean {
  const isBranch = alike[0]![1].below.size > 0;
  if (isBranch) return alike.length >= alikeBranches;
  return alike.length >= rareLeaves && alike.every(([, { count }]) => count <= 2);
}

function flatten(part: Part, at: string): PathShape[] {
  const own = part.count > 0 ? [{ path: at, count: part.count, example: part.example }] : [];
  return [...own, ...[...part.below].flatMap(([name, below]) => flatten(below, `${at}/${name}`))];
}

/** The first segment as it is, and whatever follows. */
function openShapes(shapes: readonly PathShape[]): readonly PathShape[] {
  const found = new Map<string, PathShape>();
  for (const shape of shapes) {
    const [, first = '', ...more] = shape.path.split('/');
    const path = more.length === 0 || first === '{**}' ? shape.path : `/${first}/{**}`;
    const before = found.get(path);
    found.set(path, before ? { ...before, count: before.count + shape.count } : { ...shape, path });
  }
  return [...found.values()];
}
