import { mount } from 'svelte';
import './app.css';
import App from './App.svelte';
import { prefs } from './lib/state/prefs.svelte';
import { watchLife } from './lib/state/stream.svelte';
import { session } from './lib/state/session.svelte';

prefs.apply();
watchLife();
void session.ask();

const target = document.getElementById('app');
if (target) mount(App, { target });
