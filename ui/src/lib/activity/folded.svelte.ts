// Which runs somebody opened or closed by hand; the others are open while they run.

let byHand = $state.raw<ReadonlyMap<string, boolean>>(new Map());

export const folded = {
  isOpen(id: string, otherwise: boolean): boolean {
    return byHand.get(id) ?? otherwise;
  },
  toggle(id: string, open: boolean): void {
    byHand = new Map(byHand).set(id, !open);
  },
};
