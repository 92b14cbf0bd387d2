// How a stream is opened: by fetch, because an EventSource can send no key and no header.

/** Whose stream, and by whose right. */
export interface Source {
  /** Where the server is, such as `https://nexus.example`; empty for the page's own. */
  url: string;
  org: string;
  project: string;
  /** Sent as `X-API-Key`. Without one the page's own session counts, or what `headers` and `fetch` say. */
  apiKey?: string;
  /** Sent with every request. */
  headers?: Record<string, string>;
  /** One stream a session: the newer ends the older. Without one this stream is its own. */
  session?: string;
  /** Instead of the global `fetch`. */
  fetch?: (url: string, init: RequestInit) => Promise<Response>;
}

/** Opens the stream after a cursor. */
export function opener(source: Source): (cursor: string | null, signal: AbortSignal) => Promise<Response> {
  const query = new URLSearchParams({ on_limit: 'event' });
  if (source.session !== undefined) query.set('session_id', source.session);
  const url = `${source.url.replace(/\/+$/, '')}/agent/reports/stream?${query}`;
  return (cursor, signal) => {
    const headers: Record<string, string> = {
      ...source.headers,
      accept: 'text/event-stream',
      'x-org-id': source.org,
      'x-project-id': source.project,
    };
    if (source.apiKey !== undefined) headers['x-api-key'] = source.apiKey;
    if (cursor !== null) headers['last-event-id'] = cursor;
    const ask = source.fetch ?? ((input: string, init: RequestInit) => fetch(input, init));
    // The key is for this server, not for where it points.
    return ask(url, { headers, signal, cache: 'no-store', credentials: 'same-origin', redirect: 'error' });
  };
}
