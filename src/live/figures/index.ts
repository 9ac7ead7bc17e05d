// live/figures: golden signals of a proxy as somebody looks. In: the series and clusters that a proxy has anyway. Out: every few
// seconds what has grown, an item for each edge and one about the proxy itself.
export { type FiguresCluster, type FiguresOf, figuresAnswerer } from './figures.ts';
export type { CountedSeries } from './growth.ts';
export { type EdgeItem, FIGURES_EVERY_MS, type FiguresItem, type ProxyItem } from './item.ts';
