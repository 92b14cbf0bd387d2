// The commands that this tenant can be sent.

import { api, type CommandType } from '../api/routes';
import { titleOf } from '../i18n/index.svelte';

class Catalogue {
  types = $state.raw<CommandType[]>([]);
  loaded = $state(false);

  async load(): Promise<void> {
    this.loaded = false;
    try {
      this.types = (await api.types()).items;
    } catch {
      // Asked again when somebody opens the commands.
      this.types = [];
    }
    this.loaded = true;
  }

  find(type: string): CommandType | undefined {
    return this.types.find((one) => one.command_type === type);
  }

  /** Whether a type is here and switched on. */
  offers(type: string): boolean {
    return this.find(type)?.enabled ?? false;
  }

  /** A type's title in the language spoken, or its name. */
  title(type: string): string {
    const found = this.find(type);
    return found ? titleOf(found) : type;
  }

  /** What fits what was typed, best first. */
  search(words: string): CommandType[] {
    const wanted = words.trim().toLowerCase();
    const score = (type: CommandType) => {
      const [name, title] = [type.command_type.toLowerCase(), titleOf(type).toLowerCase()];
      if (name.startsWith(wanted)) return 0;
      if (title.startsWith(wanted)) return 1;
      if (name.includes(wanted) || title.includes(wanted)) return 2;
      return type.title_en.toLowerCase().includes(wanted) ? 3 : 9;
    };
    return this.types
      .map((type) => ({ type, rank: score(type) + (type.enabled ? 0 : 4) }))
      .filter(({ rank, type }) => rank < 9 || (!type.enabled && score(type) < 9))
      .sort((a, b) => a.rank - b.rank || (a.type.command_type < b.type.command_type ? -1 : 1))
      .map(({ type }) => type);
  }
}

export const catalogue = new Catalogue();
