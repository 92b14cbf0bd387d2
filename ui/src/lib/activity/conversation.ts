// Which conversation a message belongs to: one per browser and tenant until a new one is begun.

function key(tenant: string): string {
  return `nexus-conversation ${tenant}`;
}

export function conversation(tenant: string): string {
  return localStorage.getItem(key(tenant)) ?? beginConversation(tenant);
}

export function beginConversation(tenant: string): string {
  const made = `console-${crypto.randomUUID()}`;
  localStorage.setItem(key(tenant), made);
  return made;
}
