// Which tab plays: the one that holds a lock. Opening the page takes it if nobody has it; a press
// takes it from another tab.

class Here {
  playing = $state(false);
  elsewhere = $state(false);
  private release: (() => void) | null = null;

  /** Takes the lock if it is free, or, `steal`, from whoever has it. */
  async take(tenant: string, steal: boolean): Promise<void> {
    if (this.release) return;
    if (!navigator.locks) {
      this.playing = true;
      return;
    }
    const hold = (lock: Lock | null) => {
      this.elsewhere = lock === null;
      if (lock === null) return undefined;
      this.playing = true;
      return new Promise<void>((resolve) => {
        this.release = resolve;
      });
    };
    try {
      await navigator.locks.request(`nexus-player ${tenant}`, steal ? { steal } : { ifAvailable: true }, hold);
    } catch {
      // Another tab was chosen.
      this.elsewhere = true;
      this.playing = false;
      this.release = null;
    }
  }

  stop(): void {
    this.release?.();
    this.release = null;
    this.playing = false;
    this.elsewhere = false;
  }
}

export const here = new Here();
