// The server's time, ticking once a second while somebody looks.

class Clock {
  /** Server time minus this machine's, in ms. */
  offset = $state(0);
  /** The server's time in ms, to the second. */
  now = $state(Date.now());

  constructor() {
    if (typeof document === 'undefined') return;
    setInterval(() => {
      if (!document.hidden) this.tick();
    }, 1_000);
    document.addEventListener('visibilitychange', () => this.tick());
  }

  private tick(): void {
    this.now = Date.now() + this.offset;
  }
}

export const clock = new Clock();
