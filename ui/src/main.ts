import { watchLife } from 'nexus-stream';
import { mount } from 'svelte';
import './app.css';
import App from './App.svelte';
import { prefs } from './lib/state/prefs.svelte';
import { stream } from './lib/state/stream.svelte';
import { session } from './lib/state/session.svelte';

prefs.apply();
watchLife(() => stream.wake());
void session.ask();

const target = document.getElementById('app');
if (target) mount(App, { target });
