// Follows a NEXUS report stream. `NexusStream` is what most programs need; the parts under it are for
// those that keep the line, the order or the fold in hands of their own.

export { NexusStream, type StreamEvent, type StreamOptions } from './stream.ts';
export { opener, type Source } from './open.ts';
export { watchLife } from './life.ts';
export { DELAYS, Link, type LinkOptions, type LinkState } from './link.ts';
export { Feed, type Handover, type Taken } from './feed.ts';
export { MAX_FRAME, Parser, type Frame } from './sse.ts';
export {
  COLLECTIONS, FoldError, emptyView, fold, foldAll, fromSnapshot, isReport, isSnapshot, parseCursor, toJson,
  type Change, type Collection, type CollectionName, type Item, type Keep, type Report, type Snapshot, type View,
} from './view.ts';
