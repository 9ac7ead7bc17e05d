import { useEffect, useRef, useState } from 'preact/hooks';
import type { Layout, LayoutInput } from './layout.ts';

/** The layout of nodes and links, kept until another is ready: figures change often, who calls whom seldom. */
export function useLayout(input: LayoutInput): Layout | undefined {
  const [layout, setLayout] = useState<Layout | undefined>(undefined);
  const worker = useRef<Worker | undefined>(undefined);
  const turn = useRef(0);
  const shape = JSON.stringify(input);
  useEffect(() => {
    const made = new Worker('layout.js', { type: 'module' });
    made.onmessage = ({ data }: MessageEvent<{ turn: number; layout: Layout }>) => {
      if (data.turn === turn.current) setLayout(data.layout);
    };
    worker.current = made;
    return () => made.terminate();
  }, []);
  // The shape is the input, compared by its contents.
  useEffect(() => {
    worker.current?.postMessage({ turn: ++turn.current, input });
  }, [shape]);
  return layout;
}
