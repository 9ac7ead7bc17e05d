// The layout in a thread of its own, so that the page goes on while a large mesh is laid out.
import { type LayoutInput, layOut } from './layout.ts';

self.onmessage = ({ data }: MessageEvent<{ readonly turn: number; readonly input: LayoutInput }>) => {
  self.postMessage({ turn: data.turn, layout: layOut(data.input) });
};
