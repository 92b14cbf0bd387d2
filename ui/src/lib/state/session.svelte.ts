// Who is signed in, for which tenant the page shows things, and what the role allows.

import { Refusal, standing, type Tenant } from '../api/client';
import { api, type Me, type Membership, type Role } from '../api/routes';
import { language } from '../i18n/index.svelte';
import { outbox } from './outbox.svelte';
import { catalogue } from './catalogue.svelte';
import { route } from './route.svelte';
import { stream } from './stream.svelte';

const RANK: Record<Role, number> = { viewer: 0, operator: 1, approver: 2, admin: 3 };

export function tenantId(tenant: Tenant): string {
  return `${tenant.org_id}:${tenant.project_id}`;
}

class Session {
  me = $state.raw<Me | null>(null);
  membership = $state.raw<Membership | null>(null);
  /** `asking` until the server has said whether the cookie is good. */
  phase = $state<'asking' | 'out' | 'in' | 'unreachable'>('asking');
  /** The session ended by itself: sign-in says so. */
  ended = $state(false);
  private rechecked = 0;
  private readonly tabs = new BroadcastChannel('nexus-session');

  constructor() {
    standing.onSignedOut = () => this.over(true);
    stream.onRefused = () => void this.recheck();
    // Signing in or out in one tab is so in all.
    this.tabs.onmessage = () => void this.ask();
  }

  get tenant(): string {
    return this.membership ? tenantId(this.membership) : '';
  }

  can(role: Role): boolean {
    return this.membership !== null && RANK[this.membership.role] >= RANK[role];
  }

  get paused(): boolean {
    return stream.tenantState?.paused ?? this.membership?.paused ?? false;
  }

  async ask(): Promise<void> {
    try {
      this.signed(await api.me());
    } catch (error) {
      if (error instanceof Refusal && error.status === 401) this.over(this.phase === 'in');
      else if (this.phase === 'asking') this.phase = 'unreachable';
    }
  }

  /** Whoever is still signed in follows again, with the rights that they have now. */
  private async recheck(): Promise<void> {
    if (this.phase !== 'in' || Date.now() - this.rechecked < 5_000) return;
    this.rechecked = Date.now();
    const before = this.tenant;
    await this.ask();
    if (this.phase === 'in' && this.tenant === before) stream.wake(true);
  }

  /** After sign-in or a redeemed link. */
  entered(me: Me): void {
    this.signed(me);
    this.tabs.postMessage('changed');
  }

  async signOut(): Promise<void> {
    try {
      await api.logout();
    } finally {
      this.over(false);
      this.tabs.postMessage('changed');
    }
  }

  /** A link that leads nowhere was left: the page shows whatever the cookie allows. */
  signedOutByLink(): void {
    if (this.phase === 'asking' || this.phase === 'unreachable') void this.ask();
  }

  switchTo(id: string): boolean {
    const found = this.me?.memberships.find((one) => tenantId(one) === id);
    if (!found) return false;
    if (found !== this.membership) this.enter(found);
    return true;
  }

  private signed(me: Me): void {
    const changed = me.user.user_id !== this.me?.user.user_id;
    standing.csrf = me.csrf_token;
    this.me = me;
    this.phase = 'in';
    this.ended = false;
    document.documentElement.lang = language.now;
    const wanted = route.now.query.get('tenant') ?? localStorage.getItem('nexus-tenant');
    const present = this.membership && !changed ? this.tenant : wanted;
    const found = me.memberships.find((one) => tenantId(one) === present) ?? me.memberships[0] ?? null;
    if (!found) return this.leave();
    if (changed || tenantId(found) !== this.tenant) this.enter(found);
    else if (found.role !== this.membership?.role || found.title !== this.membership.title) this.membership = found;
  }

  private enter(membership: Membership): void {
    this.membership = membership;
    standing.tenant = { org_id: membership.org_id, project_id: membership.project_id };
    localStorage.setItem('nexus-tenant', tenantId(membership));
    outbox.clear();
    stream.open(this.me?.user.user_id ?? '', standing.tenant);
    void catalogue.load();
  }

  private leave(): void {
    this.membership = null;
    standing.tenant = null;
    stream.close();
  }

  private over(ended: boolean): void {
    if (this.phase === 'out') return;
    this.ended = ended && this.phase === 'in';
    this.phase = 'out';
    this.me = null;
    standing.csrf = null;
    this.leave();
  }
}

export const session = new Session();
