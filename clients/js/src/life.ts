// A page sleeps and wakes: what a stream has to know of it. Where there is no page, it never sleeps.

/** Tells when the page came back to life, and when it is put away; gives the way to stop. */
export function watchLife(wake: () => void, sleep: () => void = () => {}): () => void {
  if (typeof document === 'undefined' || typeof addEventListener === 'undefined') return () => {};
  const shown = () => {
    if (!document.hidden) wake();
  };
  const away = (event: Event) => {
    // A page that is kept for the way back must hold no connection.
    if (event.type === 'freeze' || (event as PageTransitionEvent).persisted) sleep();
  };
  const heard: [EventTarget, string, (event: Event) => void][] = [
    [globalThis, 'online', wake],
    [globalThis, 'pageshow', wake],
    [globalThis, 'focus', wake],
    [document, 'visibilitychange', shown],
    [document, 'resume', wake],
    [document, 'freeze', away],
    [globalThis, 'pagehide', away],
  ];
  for (const [target, name, listener] of heard) target.addEventListener(name, listener);
  return () => {
    for (const [target, name, listener] of heard) target.removeEventListener(name, listener);
  };
}
