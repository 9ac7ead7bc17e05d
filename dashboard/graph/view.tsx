// The graph that can be moved: by pointer, wheel, two fingers and keys.
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { Camera } from './camera.ts';
import { ARROWS, nextInDirection } from './direction.ts';
import { Drawing, type LinkLabel, nodeText } from './drawing.tsx';
import type { Layout } from './layout.ts';
import type { GraphModel, GraphNode } from './model.ts';

interface GraphViewProps {
  readonly model: GraphModel;
  readonly layout: Layout;
  readonly label: LinkLabel;
  readonly selected: string;
  readonly found: ReadonlySet<string> | undefined;
  readonly select: (id: string) => void;
  readonly open: (node: GraphNode) => void;
}

/** See the head of this file. */
export function GraphView({
  model,
  layout,
  label,
  selected,
  found,
  select,
  open,
}: GraphViewProps): JSX.Element {
  const frame = useRef<HTMLDivElement>(null);
  const stage = useRef<HTMLDivElement>(null);
  const camera = useRef<Camera | undefined>(undefined);
  const fitted = useRef('');
  const shape = `${Math.round(layout.width)}x${Math.round(layout.height)}`;
  useEffect(() => {
    camera.current ??= new Camera(frame.current!, stage.current!);
    if (fitted.current === shape) return;
    fitted.current = shape;
    camera.current.fit(layout.width, layout.height);
  }, [shape, layout.width, layout.height]);
  useEffect(() => movedByPointers(frame.current!, () => camera.current), []);
  const node = model.nodes.find(each => each.id === selected);
  const onKeyDown = (event: KeyboardEvent): void => {
    const arrow = ARROWS[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (arrow) {
      const first = model.nodes.find(each => layout.nodes[each.id])?.id;
      const next = node === undefined ? first : nextInDirection(layout.nodes, selected, arrow);
      if (next !== undefined) {
        select(next);
        camera.current?.reveal(layout.nodes[next]!);
      }
    } else if (event.key === 'Enter' && node !== undefined) open(node);
    else if (event.key === 'Escape') select('');
    else if (event.key === '+' || event.key === '=') camera.current?.zoom(1.25);
    else if (event.key === '-') camera.current?.zoom(0.8);
    else if (event.key === '0') camera.current?.fit(layout.width, layout.height);
    else return;
    event.preventDefault();
  };
  const onClick = (event: MouseEvent): void => {
    const hit = (event.target as Element).closest('[data-id]')?.getAttribute('data-id') ?? '';
    const double = event.detail === 2 ? model.nodes.find(each => each.id === hit) : undefined;
    if (double) open(double);
    else select(hit);
  };
  const text =
    node === undefined ? '' : `${node.label} in ${node.namespace || 'no namespace'}: ${nodeText(node)}`;
  const fit = (): void => camera.current?.fit(layout.width, layout.height);
  return (
    <div class="view">
      <div
        class="frame"
        ref={frame}
        role="application"
        aria-label="graph: arrow keys go from workload to workload, Enter opens, plus and minus zoom, 0 shows all"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: an application is interactive
        tabIndex={0}
        onKeyDown={onKeyDown}
        onClick={onClick}
      >
        <div class="stage" ref={stage}>
          <Drawing model={model} layout={layout} label={label} selected={selected} found={found} />
        </div>
      </div>
      <p class="unseen" aria-live="polite">
        {text}
      </p>
      <div class="zoom">
        <button type="button" aria-label="zoom in" onClick={() => camera.current?.zoom(1.25)}>
          +
        </button>
        <button type="button" aria-label="zoom out" onClick={() => camera.current?.zoom(0.8)}>
          −
        </button>
        <button type="button" onClick={fit}>
          Fit
        </button>
      </div>
    </div>
  );
}

/** Drag moves, the wheel and two fingers zoom. Returns how to stop. */
function movedByPointers(frame: HTMLElement, camera: () => Camera | undefined): () => void {
  const stop = new AbortController();
  const { signal } = stop;
  const held = new Map<number, { x: number; y: number }>();
  const apart = (): number => {
    const [a, b] = [...held.values()];
    return a && b ? Math.hypot(a.x - b.x, a.y - b.y) : 0;
  };
  frame.addEventListener(
    'pointerdown',
    event => {
      held.set(event.pointerId, { x: event.clientX, y: event.clientY });
    },
    { signal },
  );
  frame.addEventListener(
    'pointermove',
    event => {
      const before = held.get(event.pointerId);
      if (before === undefined) return;
      const wide = apart();
      const [dx, dy] = [event.clientX - before.x, event.clientY - before.y];
      held.set(event.pointerId, { x: event.clientX, y: event.clientY });
      if (held.size === 2 && wide > 0) {
        const { left, top } = frame.getBoundingClientRect();
        const [a, b] = [...held.values()];
        camera()?.zoom(apart() / wide, (a!.x + b!.x) / 2 - left, (a!.y + b!.y) / 2 - top);
      }
      camera()?.pan(dx / held.size, dy / held.size);
      if (Math.abs(dx) + Math.abs(dy) > 2) frame.setPointerCapture(event.pointerId);
    },
    { signal },
  );
  for (const name of ['pointerup', 'pointercancel'] as const) {
    frame.addEventListener(name, event => held.delete(event.pointerId), { signal });
  }
  frame.addEventListener(
    'wheel',
    event => {
      event.preventDefault();
      const { left, top } = frame.getBoundingClientRect();
      camera()?.zoom(Math.exp(-event.deltaY * 0.0016), event.clientX - left, event.clientY - top);
    },
    { signal, passive: false },
  );
  return () => stop.abort();
}
