// static-files: files of a folder as answers over HTTP: types, ranges, conditions, index; loaded only by gateways with such
// routes. In: a request of node:http and what its route says. Out: the answer, streamed. What lies outside of the folder is never
// read, whatever the path and whatever links stand in it.
export { type StaticFolder, serveFile } from './serve-file.ts';
