// Talking to YouTube's embedded player by messages, without loading its script.

export const ORIGIN = 'https://www.youtube-nocookie.com';

export type PlayerState = 'unstarted' | 'ended' | 'playing' | 'paused' | 'buffering' | 'cued';
const STATES: Record<string, PlayerState> = {
  '-1': 'unstarted', '0': 'ended', '1': 'playing', '2': 'paused', '3': 'buffering', '5': 'cued',
};

export function embedUrl(videoId: string, origin: string): string {
  const query = new URLSearchParams({ enablejsapi: '1', origin, autoplay: '1', playsinline: '1', rel: '0' });
  return `${ORIGIN}/embed/${encodeURIComponent(videoId)}?${query}`;
}

export interface Hearing {
  onState: (state: PlayerState) => void;
  onError: (code: number) => void;
}

/** Listens to a player until the way to stop is called. */
export function listen(frame: HTMLIFrameElement, hearing: Hearing): () => void {
  let heard = false;
  const say = (message: unknown) => frame.contentWindow?.postMessage(JSON.stringify(message), ORIGIN);
  const hello = () => {
    say({ event: 'listening', id: 'nexus', channel: 'widget' });
    for (const name of ['onStateChange', 'onError']) {
      say({ event: 'command', func: 'addEventListener', args: [name], id: 'nexus', channel: 'widget' });
    }
  };
  // The player answers only once it is up; it is greeted until then.
  const timer = setInterval(() => (heard ? clearInterval(timer) : hello()), 500);
  const onmessage = (event: MessageEvent) => {
    if (event.origin !== ORIGIN || event.source !== frame.contentWindow) return;
    const message = read(event.data);
    if (!message) return;
    heard = true;
    if (message.event === 'onStateChange') state(message.info);
    else if (message.event === 'onError') hearing.onError(Number(message.info));
    else if (message.event === 'infoDelivery' || message.event === 'initialDelivery') {
      state((message.info as { playerState?: unknown } | null)?.playerState);
    }
  };
  let last: PlayerState | null = null;
  const state = (code: unknown) => {
    const next = STATES[String(code)];
    if (!next || next === last) return;
    last = next;
    hearing.onState(next);
  };
  addEventListener('message', onmessage);
  return () => {
    clearInterval(timer);
    removeEventListener('message', onmessage);
  };
}

function read(data: unknown): { event?: string; info?: unknown } | null {
  if (typeof data !== 'string') return null;
  try {
    return JSON.parse(data) as { event?: string; info?: unknown };
  } catch {
    return null;
  }
}
